import { parseEndpoint } from '#model/endpoint.ts'
import { createShield } from '../../src/enforce/shield.ts'

/** Lets few new packets a second to UDP ports, in the network namespace that it runs in; until it is killed: RATE PLACE … */
const [rate = '', ...places] = process.argv.slice(2)
const shield = createShield('gatehouse_shield', Date.now)
const until = Date.now() + 600_000
const isUp = places.every((place) => {
  const endpoint = parseEndpoint(place)
  return endpoint !== undefined && shield.pace({ ...endpoint, perSecond: Number(rate), until, known: [] })
})
process.stdout.write(isUp ? 'up\n' : 'refused\n')
setInterval(() => {}, 1_000)
