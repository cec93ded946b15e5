import { createRoute } from '@hono/zod-openapi'
import { PointerName } from '#contract/pointer.ts'
import { type Port, Refused } from '../port.ts'
import { type ApiApp, answers, demand, TargetParam, targetOf } from '../route.ts'

const pointerRoute = createRoute({
  method: 'post',
  path: '/api/v1/hosts/{target}/ptr',
  summary: 'Ask reverse DNS (PTR) for the name of a host',
  description:
    'Sends one question to the DNS server of this machine, and puts it in the egress ledger first.',
  request: { params: TargetParam },
  responses: answers(PointerName, 'What it said; kept for an hour'),
})

export function addPointerRoute(app: ApiApp, { pointers }: Port): void {
  app.openapi(pointerRoute, async (context) => {
    const actor = demand(context, 'operator')
    if (!pointers) throw new Refused(503, 'Nobody can be asked here.', 'Start Gatehouse: gatehouse run')
    const { target } = context.req.valid('param')
    return context.json(await pointers.ask(targetOf(target), actor), 200)
  })
}
