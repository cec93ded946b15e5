import { z } from 'zod'

/** The `capture` section of the config. */
export const captureSettings = z
  .strictObject({
    interfaces: z
      .array(z.string().min(1).max(15))
      .max(64)
      .default([])
      .describe('Interfaces to watch, such as eth0. Empty: every interface that is up, but not loopback.'),
    loopback: z
      .boolean()
      .default(false)
      .describe('Watch loopback too: what programs of this machine say to each other.'),
    snapBytes: z
      .int()
      .min(128)
      .max(3_584)
      .default(2_304)
      .describe(
        'Bytes kept of each frame. 2,304 holds a full Ethernet frame and the first message of nearly all TLS connections, also where the card sends it as one; less lets the ring hold more packets.',
      ),
    maxFlows: z
      .int()
      .min(1_024)
      .max(4_194_304)
      .default(262_144)
      .describe('Flows that are followed at once. Each takes about 128 bytes.'),
    maxHosts: z
      .int()
      .min(2_048)
      .max(8_388_608)
      .default(524_288)
      .describe('Hosts that are known at once. Twice maxFlows or more, and no flow lacks its hosts.'),
  })
  .prefault({})

export type CaptureSettings = z.infer<typeof captureSettings>
