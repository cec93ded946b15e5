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
    countBytes: z
      .enum(['messages', 'packets'])
      .default('messages')
      .describe(
        'How the bytes of programs are counted, where eBPF is to be had. messages: what they send and take, without ' +
          'headers. packets: each packet with its headers; a connect() over loopback then takes some 5 % longer. Linux ' +
          'before 6.3 has packets only.',
      ),
  })
  .prefault({})

export type OwnersSettings = z.infer<typeof ownersSettings>
