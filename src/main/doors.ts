import { join } from 'node:path'
import { createApi } from '#api/api.ts'
import { listenForOwner } from '#api/listen.ts'
import { Refused } from '#api/port.ts'
import { createExplained, ownAmong } from '#core/explained.ts'
import { withFeedDecisions } from '#core/feed-decisions.ts'
import { createPointerDesk } from '#core/pointer-desk.ts'
import { CorePort, shownAlert } from '#core/port.ts'
import { startPulse } from '#core/pulse.ts'
import { createResponseDesk } from '#core/response-desk.ts'
import { openSettingJournal } from '#core/setting-journal.ts'
import { standpointOf } from '#core/standing.ts'
import type { UndoParts } from '#core/undo.ts'
import { loadDetectors } from '#detect/detection.ts'
import { loadObservers } from '#detect/observation.ts'
import { peerCredentials } from '#kernel/peer-credentials.ts'
import { SocketDestroyer } from '#kernel/sock-destroy.ts'
import type { SocketKey } from '#model/owner.ts'
import type { Base } from './base.ts'
import { openDecoys } from './decoys.ts'
import { factsOf } from './facts.ts'
import { createHere } from './here.ts'
import { createPageDoor } from './page-door.ts'
import { openSettings } from './settings.ts'
import { openTimeline } from './timeline.ts'
import type { Watching } from './watching.ts'

/** The API for the command line, the web process with its own, and the beat of every second. */
export async function openDoors(base: Base, watching: Watching): Promise<void> {
  const { config, paths, speaker, onStop, events } = base
  const door = createPageDoor(base)
  const facts = factsOf(base, watching, () => door.web)
  base.rules.see(() => watching.live.all())
  explainWith(base, watching)
  base.rules.tell((standing) => events.send({ kind: 'rules', standing }))
  const settings = openSettings(base, watching, [...(await loadDetectors()), ...(await loadObservers())])
  const feeds = withFeedDecisions(watching.intel.port, {
    note: (undated) => base.gate.note(undated),
    journal: openSettingJournal(join(paths.stateFolder, 'feeds.json')),
  })
  const port = new CorePort({
    ...base,
    ...watching,
    ...facts,
    rules: base.rules.desk,
    ruleDrafting: base.rules.drafting,
    undoRules: undoRulesOf(base.rules),
    intel: feeds.port,
    undoFeed: feeds.undo,
    undoPort: base.undoShielding,
    detectors: settings.detectors,
    settings: settings.desk,
    decoys: openDecoys(base, watching, settings),
    timeline: openTimeline(base, watching),
    here: createHere(base),
    pointers: createPointerDesk({
      record: watching.intel.record,
      peers: watching.peers,
      standpoint: () => standpointOf(base.allow.entries()),
      now: base.now,
    }),
    response: createResponseDesk({
      ...base,
      ...watching,
      suggestions: base.judgement.suggestions,
      confirmations: () => base.judgement.settings.confirmations,
      told: (alert) => events.send({ kind: 'alert', alert: shownAlert(alert) }),
    }),
    defaultBlockSeconds: () => base.judgement.settings.blockSeconds,
    closeSocket: createSocketCloser(),
    ...door.accounts,
  })
  const api = createApi(port, { onFault: (error) => speaker.say(`A request failed: ${error.message}`) })
  onStop(() => api.close())
  const credentialsOf = peerCredentials
  const forOwner = await listenForOwner(api, { path: paths.apiSocket, credentialsOf })
  onStop(() => forOwner.close())

  const pulse = startPulse({
    ...base,
    ...watching,
    events,
    status: facts.status,
  })
  onStop(() => pulse.stop())

  speaker.say(
    facts.status().state === 'protecting' ? 'Gatehouse is protecting this machine.' : 'Gatehouse is running.',
  )
  if (config.page.enabled) await door.open(api)
  for (const health of facts.parts()) speaker.health(health)
}

/** What was is explained by rules as they are. */
function explainWith({ rules: { desk }, allow, store }: Base, { live }: Watching): void {
  if (!desk) return
  const isOwn = ownAmong(() => allow.entries())
  const explain = createExplained({ explain: (request) => desk.explain(request), live, store, isOwn })
  desk.beside = { ...desk.beside, explain }
}

function undoRulesOf({ history, desk }: Base['rules']): UndoParts['undoRules'] {
  return history && desk && ((decision, actor) => history.undo(decision, actor, desk))
}

/** Opened at the first use: it needs a privilege that a run without root lacks. */
function createSocketCloser(): (key: SocketKey) => number {
  let destroyer: SocketDestroyer | undefined
  return (key) => {
    try {
      destroyer ??= new SocketDestroyer()
      const { closed, refusedBecause, isUnsupported } = destroyer.destroyOne(key)
      if (closed > 0) return closed
      if (isUnsupported) throw new Error('it was built without INET_DIAG_DESTROY')
      if (refusedBecause) throw new Error(refusedBecause)
      return 0
    } catch (cause) {
      const why = `The kernel does not let Gatehouse close connections: ${(cause as Error).message}.`
      throw new Refused(503, why, 'Block the peer instead, or start Gatehouse as root: sudo npm start')
    }
  }
}
