import { z } from 'zod'

/** Where Debian, Fedora and Arch keep them. What is not there is waited for. */
const USUAL_FILES = [
  '/var/log/auth.log',
  '/var/log/secure',
  '/var/log/mail.log',
  '/var/log/maillog',
  '/var/log/vsftpd.log',
  '/var/log/nginx/access.log',
  '/var/log/nginx/error.log',
]

/** The `logs` section of the config. */
export const logSettings = z
  .strictObject({
    journal: z
      .boolean()
      .default(true)
      .describe('Read failed logins (sshd, sudo, dovecot, postfix, vsftpd) from the journal of systemd.'),
    files: z
      .array(z.string().startsWith('/', 'Use the whole path of a file').max(4096))
      .max(64)
      .default(USUAL_FILES)
      .describe(
        'Log files that failed logins are read from: of syslog, vsftpd or nginx. A file that is not there is ' +
          'waited for. A try that two of them tell of, or one and the journal, counts once. Behind a proxy nginx has to log ' +
          'the visitor (its real_ip module), or leave its logs out: else the proxy is taken for the attacker.',
      ),
  })
  .prefault({})

export type LogSettings = z.infer<typeof logSettings>
