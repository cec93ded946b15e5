import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import type { NamespaceHost } from '../../test/support/namespaces.ts'

/** Address → when the kernel of this host told that it is in a set of blocks: process.hrtime.bigint(). Filled as they come. */
export async function hearElements(server: NamespaceHost): Promise<ReadonlyMap<string, bigint>> {
  const elements = new Map<string, bigint>()
  const child = server.start(process.execPath, new URL('./element-ear.ts', import.meta.url).pathname)
  const lines = createInterface({ input: child.stdout as Readable })
  await once(lines, 'line')
  lines.on('line', (line) => {
    const [address = '', at = ''] = line.split(' ')
    if (!elements.has(address)) elements.set(address, BigInt(at))
  })
  return elements
}
