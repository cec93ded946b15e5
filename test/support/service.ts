import type { NamespaceHost } from './namespaces.ts'

const script = (name: string): string => new URL(name, import.meta.url).pathname

/** A service that answers whoever connects; settles once it listens. */
export async function serve(host: NamespaceHost, port: number): Promise<void> {
  const service = host.start(process.execPath, script('ok-server.ts'), `${port}`)
  await new Promise((resolve) => service.stdout?.once('data', resolve))
}

/** How many of so many calls of a service were answered. */
export const answeredCalls = (from: NamespaceHost, address: string, port: number, count: number): number =>
  Number(from.run(process.execPath, script('counted-calls.ts'), address, `${port}`, `${count}`))
