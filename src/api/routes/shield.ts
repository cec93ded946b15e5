import { createRoute, z } from '@hono/zod-openapi'
import { Outcome } from '#contract/schemas.ts'
import { RecordingFile, ShieldStatus } from '#contract/shield.ts'
import { parseIp } from '#model/address.ts'
import { parseEndpoint } from '#model/endpoint.ts'
import { type Port, Refused } from '../port.ts'
import { type ApiApp, answers, demand } from '../route.ts'
import type { ShieldPort } from '../shield-port.ts'

const statusRoute = createRoute({
  method: 'get',
  path: '/api/v1/shield',
  summary: 'Ports behind a SYN proxy, challenged addresses, UDP ports at a slow pace, closed ports',
  responses: answers(ShieldStatus, 'As it is now'),
})

const portParam = z.object({ port: z.coerce.number().int().min(1).max(65_535) })

const openRoute = createRoute({
  method: 'delete',
  path: '/api/v1/shield/closed/{port}',
  summary: 'Open a port that a playbook closed',
  request: { params: portParam },
  responses: answers(Outcome, 'What was done'),
})

const unguardRoute = createRoute({
  method: 'delete',
  path: '/api/v1/shield/guarded/{port}',
  summary: 'Take the SYN proxy before a port away; it stays away for as long as it would have lasted',
  request: { params: portParam },
  responses: answers(Outcome, 'What was done'),
})

const unchallengeRoute = createRoute({
  method: 'delete',
  path: '/api/v1/shield/challenged/{address}',
  summary: 'Challenge an address no longer; it is left alone for as long as that would have lasted',
  request: { params: z.object({ address: z.string().max(64) }) },
  responses: answers(Outcome, 'What was done'),
})

const unpaceRoute = createRoute({
  method: 'delete',
  path: '/api/v1/shield/paced/{endpoint}',
  summary: 'Take the pace of a UDP port away; it stays away for as long as it would have lasted',
  request: { params: z.object({ endpoint: z.string().max(64) }) },
  responses: answers(Outcome, 'What was done'),
})

const recordingsRoute = createRoute({
  method: 'get',
  path: '/api/v1/recordings',
  summary: 'Packets that playbooks kept, as pcapng files',
  responses: answers(z.array(RecordingFile), 'Newest first'),
})

export function addShieldRoutes(app: ApiApp, port: Port): void {
  app.openapi(statusRoute, (context) =>
    context.json(port.shield?.status() ?? { guarded: [], challenged: [], paced: [], closed: [] }, 200),
  )
  const shield = (): ShieldPort => {
    if (port.shield) return port.shield
    throw new Refused(503, 'Nothing is enforced.', 'Start without --dry-run.')
  }
  app.openapi(openRoute, (context) => {
    const actor = demand(context, 'operator')
    return context.json(shield().open(context.req.valid('param').port, actor.name), 200)
  })
  app.openapi(unguardRoute, (context) => {
    const actor = demand(context, 'operator')
    return context.json(shield().unguard(context.req.valid('param').port, actor.name), 200)
  })
  app.openapi(unchallengeRoute, (context) => {
    const actor = demand(context, 'operator')
    const { address } = context.req.valid('param')
    const ip = parseIp(address)
    if (!ip) throw new Refused(400, `"${address}" is no address.`, 'Use one of those that are challenged.')
    return context.json(shield().unchallenge(ip, actor.name), 200)
  })
  app.openapi(unpaceRoute, (context) => {
    const actor = demand(context, 'operator')
    const text = context.req.valid('param').endpoint
    const endpoint = parseEndpoint(text)
    if (!endpoint)
      throw new Refused(
        400,
        `"${text}" is no address and port.`,
        'Write it like 192.0.2.7:53 or [2001:db8::7]:53.',
      )
    return context.json(shield().unpace(endpoint, actor.name), 200)
  })
  app.openapi(recordingsRoute, (context) => context.json([...(port.shield?.recordings() ?? [])], 200))
}
