import { createRoute } from '@hono/zod-openapi'
import { SettingsChange, SettingsOutcome, SettingsState, Tuning, TuningRequest } from '#contract/settings.ts'
import { type Port, Refused } from '../port.ts'
import { type ApiApp, answers, demandPolicy, jsonBody } from '../route.ts'
import type { SettingsPort } from '../settings-port.ts'

const stateRoute = createRoute({
  method: 'get',
  path: '/api/v1/settings',
  summary: 'Every setting, what it takes, its value and where that comes from',
  responses: answers(SettingsState, 'All settings'),
})

const changeRoute = createRoute({
  method: 'patch',
  path: '/api/v1/settings',
  summary: 'Change settings in the config file; its comments stay',
  request: jsonBody(SettingsChange),
  responses: answers(SettingsOutcome, 'What was done, and whether it holds at once'),
})

const tuningRoute = createRoute({
  method: 'post',
  path: '/api/v1/settings/tuning',
  summary: 'What another limit of a detector would have meant for its recorded alerts; nothing is changed',
  request: jsonBody(TuningRequest),
  responses: answers(Tuning, 'How many alerts would have stayed, as far as their evidence tells'),
})

export function addSettingRoutes(app: ApiApp, port: Port): void {
  const settings = (): SettingsPort => {
    if (port.settings) return port.settings
    throw new Refused(503, 'There are no settings to change here.', 'Start Gatehouse: gatehouse run')
  }
  app.openapi(stateRoute, (context) => context.json(settings().state(), 200))
  app.openapi(tuningRoute, async (context) =>
    context.json(await settings().tuning(context.req.valid('json')), 200),
  )
  app.openapi(changeRoute, async (context) => {
    // Settings decide what runs as root, such as the commands of playbooks.
    const actor = demandPolicy(context, port)
    return context.json(await settings().change(context.req.valid('json'), actor), 200)
  })
}
