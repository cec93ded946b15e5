import { Resolver } from 'node:dns/promises'

/** Asks SERVER for the IPv4 addresses of NAME, and prints them. */
const [server = '', name = ''] = process.argv.slice(2)
const resolver = new Resolver({ timeout: 2_000 })
resolver.setServers([server])
process.stdout.write(`${(await resolver.resolve4(name)).join(' ')}\n`)
