import { definePattern, firstOf, type Groups, type Reading } from '../pattern.ts'

const MOST_TIMES = 20

const FORMS = [
  [
    // The last `rip=` that fits is Dovecot's own: behind it stand only addresses, words of TLS and the session.
    /^(?<service>imap|pop3|submission|managesieve)-login: [^<>=]*\(auth failed, (?<times>\d{1,4}) attempts? in \d+ secs?\)[^<>=]*: user=<(?<user>.*)>, (?:method=[\w-]+, )?rip=(?<address>[\da-fA-F.:]+), lip=[\da-fA-F.:]+(?:, (?:TLS|secured|mpid=\d+|TLS: Connection closed|session=<[\w+/=]*>))*$/,
    ({ service, times, user, address }: Groups): Reading => ({
      ...{ service: service ?? 'imap', outcome: 'refused', address, user },
      times: Math.min(MOST_TIMES, Number(times)),
    }),
  ],
] as const

export default definePattern({
  id: 'dovecot',
  tags: /^dovecot$/,
  read: (message) => firstOf(FORMS, message),
})
