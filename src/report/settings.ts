import { z } from 'zod'

/** The `report` section of the config. */
export const reportSettings = z
  .strictObject({
    folder: z
      .string()
      .startsWith('/', 'Use the whole path of a folder')
      .max(4096)
      .optional()
      .describe('Folder of firewall.log and eve.json; else the folder log where Gatehouse keeps its state.'),
    firewallLog: z
      .boolean()
      .default(true)
      .describe('Write what is turned away, and what rules record, to firewall.log.'),
    blockedPackets: z
      .boolean()
      .default(true)
      .describe(
        'Write what blocks, limits and block lists turn away too, not only what rules and defaults do.',
      ),
    eve: z
      .boolean()
      .default(false)
      .describe('Write alerts, turned-away packets and ended flows to eve.json, as EVE JSON for a SIEM.'),
    packetsPerSecond: z
      .int()
      .min(1)
      .max(10_000)
      .default(100)
      .describe(
        'So many packets a second are written at most of rules, a quarter of them of one rule; of blocks and of ' +
          'block lists another quarter each. The rest is counted, and said once a second. ' +
          'The kernel keeps the bound: a flood costs no more.',
      ),
    nflogGroup: z
      .int()
      .min(1)
      .max(65_535)
      .default(71)
      .describe(
        'NFLOG group over which the kernel hands packets over. Another if ulogd listens to this one.',
      ),
    maxMegabytes: z
      .int()
      .min(1)
      .max(10_000)
      .default(32)
      .describe('From this size on a file is renamed to .1 and begun anew.'),
    keptFiles: z.int().min(1).max(100).default(4).describe('So many older files are kept of each.'),
  })
  .prefault({})

export type ReportSettings = z.infer<typeof reportSettings>
