import type { Connection } from './schemas.ts'

type Container = NonNullable<NonNullable<Connection['owner']>['container']>

const SHORT_ID = 12

/** How a container is called: its name, or the beginning of its id as engines show it; of a pod with the pod's own. */
export function containerText({ name, id, pod }: Container): string {
  const own = name ?? id.slice(0, SHORT_ID)
  if (!pod) return own
  const space = pod.namespace === undefined ? '' : `${pod.namespace}/`
  return pod.name === undefined ? own : `${space}${pod.name} (${own})`
}
