import { definePattern, firstOf, type Groups, type Reading } from '../pattern.ts'

const MOST_TIMES = 20

const FORMS = [
  // What follows is the caller's to choose: nothing is taken from it.
  [
    /^\s*(?<user>[^\s:]+) : (?<times>\d{1,3}) incorrect password attempts? ; /,
    ({ user, times }: Groups): Reading => ({
      ...{ service: 'sudo', outcome: 'refused', user, times: Math.min(MOST_TIMES, Number(times)) },
    }),
  ],
  [
    /^\s*(?<user>[^\s:]+) : (?:user NOT in sudoers|command not allowed) ; /,
    ({ user }: Groups): Reading => ({ service: 'sudo', outcome: 'refused', user }),
  ],
] as const

/** Its tries come from the machine itself: they have no address. */
export default definePattern({
  id: 'sudo',
  tags: /^sudo$/,
  read: (message) => firstOf(FORMS, message),
})
