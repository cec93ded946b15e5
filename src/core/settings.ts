import { z } from 'zod'
import { parseTarget } from '#model/address.ts'

/** The `page` section of the config. */
export const pageSettings = z
  .strictObject({
    enabled: z.boolean().default(true).describe('Serve the page. The command line works without it.'),
    host: z
      .union([z.ipv4(), z.ipv6(), z.literal('localhost')])
      .default('127.0.0.1')
      .describe(
        'Address of this machine that the page listens on. Others than loopback open it to the network.',
      ),
    proofMinutes: z
      .number()
      .min(0)
      .max(1_440)
      .default(15)
      .describe(
        'Minutes after signing in, or giving the password again, in which rules, settings and accounts may be changed from the page; 0: as long as the session lasts.',
      ),
    port: z.int().min(0).max(65_535).default(8090).describe('Port of the page; 0 takes any free one.'),
    origins: z
      .array(z.url({ protocol: /^https?$/ }))
      .max(16)
      .default([])
      .describe(
        'More addresses under which the page is reached, such as https://gatehouse.lan behind a proxy.',
      ),
    user: z
      .string()
      .min(1)
      .max(32)
      .optional()
      .describe('Whom the web process becomes when it gives up root; else gatehouse, or nobody.'),
  })
  .prefault({})

/** The `enforce` section of the config. */
export const enforceSettings = z
  .strictObject({
    onStop: z
      .enum(['keep', 'clear'])
      .default('clear')
      .describe(
        'When Gatehouse is stopped: keep the blocks in the kernel until their time is over, or clear them. ' +
          'Either way they are back at the next start. Rules and lists likewise; for a crash see rules.onCrash.',
      ),
    table: z
      .string()
      .regex(/^[a-z][a-z0-9_-]{0,31}$/, 'Use a lowercase word of at most 32 letters, digits, - and _')
      .default('gatehouse')
      .describe('Name of the nftables table of family inet. It is ours alone.'),
    refusalsPerSecond: z
      .int()
      .min(0)
      .max(100_000)
      .default(10)
      .describe(
        'How many refusals of closed TCP ports one host gets from another per second, this machine or one behind ' +
          'it; the rest is dropped, so that a port scan learns little before it is shut out. 0: all of them.',
      ),
    refusalBurst: z
      .int()
      .min(1)
      .max(100_000)
      .default(12)
      .describe(
        'So many refusals go out at once before the limit holds. More than detectors.port-scan.refusedPorts.',
      ),
    limitedPerSecond: z
      .int()
      .min(1)
      .max(100_000)
      .default(20)
      .describe('How many packets a second an address that is limited, not blocked, gets through.'),
  })
  .prefault({})

/** The `rules` section of the config. */
export const ruleSettings = z
  .strictObject({
    file: z
      .string()
      .startsWith('/', 'Use the whole path of a file')
      .max(4096)
      .default('/etc/gatehouse/rules.yaml')
      .describe('The firewall rules (docs/rules.md). Without the file all that is not blocked passes.'),
    onFileChange: z
      .enum(['draft', 'apply'])
      .default('draft')
      .describe(
        'What becomes of a rules file that is changed while Gatehouse runs: it waits as a draft for ' +
          '`gatehouse apply`, or is applied at once where it is good and cuts nobody off.',
      ),
    openConnections: z
      .enum(['close', 'keep'])
      .default('close')
      .describe(
        'What becomes of connections that are open when rules come in force for good that deny them, and the rules ' +
          'before did not: they are closed, or go on to their end. Login sessions, the page, DNS, gateways, time and ' +
          'loopback are never closed.',
      ),
    markMask: z
      .string()
      .regex(/^0x[0-9a-f]{1,8}$/i, 'Use a hexadecimal number, such as 0xff000000')
      .refine((text) => isOneRun(Number(text)), {
        error: 'Use neighbouring bits, at least three: 0xff000000',
      })
      .default('0xff000000')
      .describe(
        'Bits of the marks of sockets that tell programs apart, for rules by program, package, unit and container: ' +
          'eight bits tell 127 kinds of programs apart. Nobody else may use them; Gatehouse looks, and says so.',
      ),
    strictPrograms: z
      .boolean()
      .default(false)
      .describe(
        'While rules ask for programs: one that nobody has seen yet gets "Operation not permitted" until it was ' +
          'looked at, for milliseconds. Else it counts as unknown so long, and what rules then deny is closed.',
      ),
    pinFolder: z
      .string()
      .startsWith('/', 'Use the whole path of a folder')
      .max(512)
      .default('/sys/fs/bpf')
      .describe(
        'A bpf file system, in which what tells programs apart goes on when Gatehouse dies (rules.onCrash: keep).',
      ),
    onCrash: z
      .enum(['keep', 'open'])
      .default('keep')
      .describe(
        'When Gatehouse dies without being stopped: keep rules and blocks in force (fail closed; blocks end with ' +
          'their time), or open everything at once (fail open), by a process beside it that watches for its end.',
      ),
  })
  .prefault({})

/** A class is a number: its bits stand side by side, and some are needed for two sets of them. */
const isOneRun = (mask: number): boolean => /^1{3,}0*$/.test(mask.toString(2))

/** The `allow` section of the config. */
export const allowSettings = z
  .array(
    z.string().refine((text) => parseTarget(text) !== undefined, {
      error: 'Use an address or a range, such as 192.0.2.7 or 2001:db8::/32',
    }),
  )
  .max(10_000)
  .default([])
  .describe('Addresses and ranges that are never blocked, besides those that Gatehouse finds by itself.')

export type PageSettings = z.infer<typeof pageSettings>
export type RuleSettings = z.infer<typeof ruleSettings>
export type EnforceSettings = z.infer<typeof enforceSettings>
