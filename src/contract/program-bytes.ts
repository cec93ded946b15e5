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
    sendRate: count.openapi({ description: 'Bytes a second, over the last seconds' }),
    receiveRate: count,
  })
  .openapi('ProgramBytes')

export const ProgramBytesReport = z
  .object({
    source: z.enum(['messages', 'packets', 'sockets']).openapi({
      description:
        'messages: what programs send and take, without headers; packets are then messages (eBPF). packets: each packet of each socket, IP headers included (eBPF). sockets: what TCP sockets say of themselves, data without headers, no UDP (sock_diag)',
    }),
    seconds: count.openapi({ description: 'How long has been counted' }),
    programs: z.array(ProgramBytes),
  })
  .openapi('ProgramBytesReport')
