import { createRoute, z } from '@hono/zod-openapi'
import { ProgramBytesReport as ShownReport } from '#contract/program-bytes.ts'
import type { ProgramBytesReport } from '#model/program-bytes.ts'
import { type Port, Refused } from '../port.ts'
import { type ApiApp, answers } from '../route.ts'

const time = z.coerce.number().optional().openapi({ description: 'Milliseconds since the epoch' })

const bytesRoute = createRoute({
  method: 'get',
  path: '/api/v1/programs/bytes',
  summary: 'What each program sent and received, counted by the kernel',
  description:
    'Whether or not packets are captured. With eBPF of all sockets of the machine, loopback and containers too: bytes of IP, headers included, as nftables counts them. Without it of the TCP sockets of this network namespace; `source` says which. Without since and until: since the start of Gatehouse. Else over that period, of all runs: whole minutes of the last three hours, whole hours before.',
  request: { query: z.object({ since: time, until: time }) },
  responses: answers(ShownReport, 'Most bytes first'),
})

export function addProgramBytesRoutes(app: ApiApp, port: Port): void {
  app.openapi(bytesRoute, async (context) => {
    const { since, until } = context.req.valid('query')
    const period = { ...(since !== undefined && { since }), ...(until !== undefined && { until }) }
    const isPeriod = since !== undefined || until !== undefined
    const report = await port.programBytes?.(isPeriod ? period : undefined)
    if (report) return context.json(shown(report), 200)
    if (isPeriod) {
      throw new Refused(
        404,
        'Nothing was counted in that period.',
        'Ask for another: see gatehouse programs --over 7d',
      )
    }
    throw new Refused(
      503,
      'The kernel does not count bytes for Gatehouse here: that needs eBPF, or sock_diag with the right to hear of sockets that end.',
      'Start Gatehouse as root.',
    )
  })
}

const shown = ({ otherSources, programs, ...report }: ProgramBytesReport) => ({
  ...report,
  ...(otherSources && { otherSources: [...otherSources] }),
  programs: [...programs],
})
