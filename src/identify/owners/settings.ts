import { z } from 'zod'

/** The `owners` section of the config. */
export const ownersSettings = z
  .strictObject({
    holdFirstPackets: z
      .boolean()
      .default(true)
      .describe(
        'Where eBPF is not to be had: hold the first packet of each connection of this machine for the moment that it ' +
          'takes to find its program (NFQUEUE, table inet gatehouse_owners). Off: programs that live a moment are missed.',
      ),
  })
  .prefault({})

export type OwnersSettings = z.infer<typeof ownersSettings>
