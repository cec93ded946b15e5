import { parseIp } from '#model/address.ts'
import { createShield } from '../../src/enforce/shield.ts'

/** Puts a port behind the SYN proxy and challenges an address, in the network namespace that it runs in; until it is killed. */
const [port = '', address = ''] = process.argv.slice(2)
const shield = createShield('gatehouse_shield', Date.now)
const until = Date.now() + 600_000
const ip = parseIp(address)
const isUp = shield.guard(Number(port), until) && ip !== undefined && shield.challenge([ip], until)
process.stdout.write(isUp ? 'up\n' : 'refused\n')
setInterval(() => {}, 1_000)
