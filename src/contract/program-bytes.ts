import { z } from '@hono/zod-openapi'

const count = z.number().nonnegative()

const ProgramBytes = z
  .object({
    program: z.string().openapi({
      description: 'Path; [name] where that is not known; empty: nobody was found; *: all others',
    }),
    sentBytes: count,
    sentPackets: count,
    receivedBytes: count,
    receivedPackets: count,
    sendRate: count.openapi({ description: 'Bytes a second, over the last seconds; of a period on average' }),
    receiveRate: count,
  })
  .openapi('ProgramBytes')

const BytesSource = z.enum(['messages', 'packets', 'sockets'])

export const ProgramBytesReport = z
  .object({
    source: BytesSource.openapi({
      description:
        'messages: what programs send and take, without headers; packets are then messages (eBPF). packets: each packet of each socket, IP headers included (eBPF). sockets: what TCP sockets say of themselves, data without headers, no UDP (sock_diag)',
    }),
    otherSources: z
      .array(BytesSource)
      .optional()
      .openapi({ description: 'Of a period in which the way of counting changed: the others' }),
    seconds: count.openapi({ description: 'How long has been counted' }),
    programs: z.array(ProgramBytes),
  })
  .openapi('ProgramBytesReport')
