import { type Act, allows, LEAST_ROLE } from './roles.ts'
import { session } from './session.svelte.ts'
import { text } from './text/text.ts'

/** Why who is signed in may not do this; undefined where they may. */
export function whyNot(act: Act): string | undefined {
  const { now } = session
  if (now.state !== 'in' || allows(now.who.role, act)) return undefined
  return text.roles.whyNot(text.roles.names[now.who.role], text.roles.names[LEAST_ROLE[act]])
}

/** For a control, after its other attributes: locked, with the reason, where the role does not do this. */
export function lock(act: Act): { disabled?: true; title?: string } {
  const title = whyNot(act)
  return title === undefined ? {} : { disabled: true, title }
}
