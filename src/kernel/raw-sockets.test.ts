import { expect, test } from 'vitest'
import { parseRawSockets } from './raw-sockets.ts'

const HEAD =
  '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n'
const RAW = `${HEAD}   1: 00000000:0001 00000000:0000 07 00000000:00000000 00:00000000 00000000   100        0 51234 2 0000000000000000 0\n`
const PING = `${HEAD}  812: 0100007F:03E8 0200007F:0000 01 00000000:00000000 00:00000000 00000000     0        0 777 2 0000000000000000 0\n`

test('a raw socket is told with its protocol', () => {
  expect(parseRawSockets(RAW)).toEqual([{ protocol: 1, inode: 51_234, uid: 100 }])
})

test('a ping socket is of the protocol of its file', () => {
  expect(parseRawSockets(PING, 58)).toEqual([{ protocol: 58, inode: 777, uid: 0 }])
})

test.each(['', HEAD, `${HEAD}nonsense\n`, `${HEAD}1: 2 3 4 5 6 7 8 9 10 11\n`])(
  'what is no socket is passed over',
  (text) => {
    expect(parseRawSockets(text)).toEqual([])
  },
)
