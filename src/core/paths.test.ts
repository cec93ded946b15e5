import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { closedFolder, pathsOf } from './paths.ts'

const STRANGER = { uid: 54_321, gid: 54_321 }

test('names the folder that keeps a user from a socket', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gatehouse-paths-'))
  const inner = join(folder, 'run')
  mkdirSync(inner)
  chmodSync(folder, 0o711)
  chmodSync(inner, 0o700)
  const socket = join(inner, 'web.sock')
  expect(closedFolder(socket, STRANGER)).toBe(inner)
  chmodSync(inner, 0o701)
  expect(closedFolder(socket, STRANGER)).toBeUndefined()
  expect(closedFolder(socket, { uid: 0, gid: 0 })).toBeUndefined()
  rmSync(folder, { recursive: true })
})

test('flags move the files, and the socket of the web process stays beside the other', () => {
  expect(pathsOf({ config: '/a/c.yaml', stateDir: '/b', socket: '/c/api.sock' })).toMatchObject({
    configFile: '/a/c.yaml',
    isConfigNamed: true,
    stateFolder: '/b',
    apiSocket: '/c/api.sock',
    webSocket: '/c/web.sock',
  })
})
