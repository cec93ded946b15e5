import { createRoute } from '@hono/zod-openapi'
import { ProgramBytesReport } from '#contract/program-bytes.ts'
import { type Port, Refused } from '../port.ts'
import { type ApiApp, answers } from '../route.ts'

const bytesRoute = createRoute({
  method: 'get',
  path: '/api/v1/programs/bytes',
  summary: 'What each program sent and received, counted by the kernel',
  description:
    'Whether or not packets are captured. With eBPF of all sockets of the machine, loopback and containers too: bytes of IP, headers included, as nftables counts them. Without it of the TCP sockets of this network namespace; `source` says which.',
  responses: answers(ProgramBytesReport, 'Most bytes first'),
})

export function addProgramBytesRoutes(app: ApiApp, port: Port): void {
  app.openapi(bytesRoute, async (context) => {
    const report = await port.programBytes?.()
    if (report) return context.json({ ...report, programs: [...report.programs] }, 200)
    throw new Refused(
      503,
      'The kernel does not count bytes for Gatehouse here: that needs eBPF, or sock_diag with the right to hear of sockets that end.',
      'Start Gatehouse as root.',
    )
  })
}
