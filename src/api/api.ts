import { OpenAPIHono } from '@hono/zod-openapi'
import { bodyLimit } from 'hono/body-limit'
import { bodyLimitOf } from '#contract/http.ts'
import { createEventLog } from './event-log.ts'
import { STREAM_LIMITS, type StreamLimits } from './event-stream.ts'
import type { Actor, Port } from './port.ts'
import { problemOf, problemOfValidation, problemResponse, titleOf } from './problem.ts'
import { type ApiApp, type ApiEnv, demand } from './route.ts'
import { addAccountRoutes } from './routes/accounts.ts'
import { addAlertRoutes } from './routes/alerts.ts'
import { addAllowRoutes } from './routes/allow.ts'
import { addBlastRadiusRoute } from './routes/blast-radius.ts'
import { addBlockRoutes } from './routes/blocks.ts'
import { addConnectionRoutes } from './routes/connections.ts'
import { addDecisionRoutes } from './routes/decisions.ts'
import { addDecoyRoutes } from './routes/decoys.ts'
import { addDetectorRoutes } from './routes/detectors.ts'
import { addEventRoutes } from './routes/events.ts'
import { addExplainedRoute } from './routes/explained.ts'
import { addHereRoute } from './routes/here.ts'
import { addIntelRoutes } from './routes/intel.ts'
import { addPointerRoute } from './routes/pointer.ts'
import { addProgramBytesRoutes } from './routes/program-bytes.ts'
import { addRuleDraftingRoutes } from './routes/rule-drafting.ts'
import { addRuleExchangeRoutes } from './routes/rule-exchange.ts'
import { addRuleLogRoute } from './routes/rule-log.ts'
import { addRuleVersionRoutes } from './routes/rule-versions.ts'
import { addRuleRoutes } from './routes/rules.ts'
import { addSettingRoutes } from './routes/settings.ts'
import { addShieldRoutes } from './routes/shield.ts'
import { addSignInRoutes } from './routes/sign-in.ts'
import { addStatusRoutes } from './routes/status.ts'
import { addTimelineRoute } from './routes/timeline.ts'
import { addViewRoutes } from './routes/views.ts'
import { addWatchdogRoutes } from './routes/watchdog.ts'

export interface Api {
  /** Answers one request. Whoever listens says who asks. */
  fetch(request: Request, actor: Actor): Response | Promise<Response>
  /** Ends every event stream, and takes no further event. */
  close(): void
}

export interface ApiOptions {
  /** Hears of errors that nobody foresaw; the caller gets a problem without inner words. */
  readonly onFault?: (error: Error) => void
  readonly streamLimits?: StreamLimits
}

/** The HTTP API of the core (`/api/v1`), over what the product answers through `port`. */
export function createApi(port: Port, options: ApiOptions = {}): Api {
  const app: ApiApp = new OpenAPIHono<ApiEnv>({ defaultHook: problemOfValidation })
  // Milliseconds times a thousand: ids count up over restarts, and stay below 2^53.
  const log = createEventLog(Math.floor(port.status().startedAt) * 1000)
  const unsubscribe = port.subscribe((event) => log.add(event))

  app.onError(problemOf(options.onFault ?? (() => {})))
  app.notFound((context) =>
    problemResponse({
      title: titleOf(404),
      status: 404,
      detail: `There is no ${context.req.method} ${context.req.path}.`,
      hint: 'GET /api/v1/openapi.json lists what there is.',
    }),
  )
  app.use((context, next) => {
    const maxSize = bodyLimitOf(context.req.path)
    return bodyLimit({ maxSize, onError: () => tooLarge(maxSize) })(context, next)
  })
  // Each route asks for its own role; this line keeps a route that forgets to from being open to viewers.
  app.use(async (context, next) => {
    const isRead = context.req.method === 'GET' || context.req.method === 'HEAD'
    const isOpen = OWN_AFFAIRS.test(context.req.path) || QUESTIONS.test(context.req.path)
    if (!isRead && !isOpen) demand(context, 'operator')
    await next()
  })

  addStatusRoutes(app, port)
  addConnectionRoutes(app, port)
  addViewRoutes(app, port)
  addPointerRoute(app, port)
  addTimelineRoute(app, port)
  addHereRoute(app, port)
  addWatchdogRoutes(app, port)
  addProgramBytesRoutes(app, port)
  addAlertRoutes(app, port)
  addBlockRoutes(app, port)
  addBlastRadiusRoute(app, port)
  addAllowRoutes(app, port)
  addDecisionRoutes(app, port)
  addRuleRoutes(app, port)
  addRuleLogRoute(app, port)
  addRuleExchangeRoutes(app, port)
  addRuleVersionRoutes(app, port)
  addExplainedRoute(app, port)
  addRuleDraftingRoutes(app, port)
  addSignInRoutes(app, port)
  addAccountRoutes(app, port)
  addIntelRoutes(app, port)
  addDetectorRoutes(app, port)
  addDecoyRoutes(app, port)
  addShieldRoutes(app, port)
  addSettingRoutes(app, port)
  const endStreams = addEventRoutes(app, log, options.streamLimits ?? STREAM_LIMITS)
  app.doc31('/api/v1/openapi.json', {
    openapi: '3.1.0',
    info: { title: 'Gatehouse', version: port.status().version, license: { name: 'MIT' } },
  })

  return {
    fetch: (request, actor) => app.fetch(request, { actor }),
    close() {
      unsubscribe()
      endStreams()
    },
  }
}

/** Whoever is signed in may change the password, the code and the sessions of the own account. */
const OWN_AFFAIRS = /^\/api\/v1\/(?:accounts|sessions)\//

/** Asked with a body, and change nothing. To simulate costs time: that is for an operator. */
const QUESTIONS = /^\/api\/v1\/rules\/(?:check|explain|read)$/

const tooLarge = (maxSize: number): Response =>
  problemResponse({
    title: titleOf(413),
    status: 413,
    detail: `The body is larger than ${maxSize} bytes.`,
    hint: 'Send one target per request.',
  })
