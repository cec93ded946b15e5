import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { ContainerNames } from './container-names.ts'

const ID = '0123456789abcdef'.repeat(4)
let root: string

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'gh-containers-'))
})

afterEach(() => rmSync(root, { recursive: true }))

function file(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}

const named = (
  engine: 'docker' | 'podman' | 'containerd' | 'kubernetes' | 'lxc',
  id = ID,
  pod?: { uid: string },
) => new ContainerNames(root).name({ engine, id, ...(pod && { pod }) }, 0)

test('docker', () => {
  file(`var/lib/docker/containers/${ID}/config.v2.json`, JSON.stringify({ ID, Name: '/web' }))
  expect(named('docker')).toEqual({ engine: 'docker', id: ID, name: 'web' })
})

test('podman, of root and of people', () => {
  const list = 'storage/overlay-containers/containers.json'
  file(`var/lib/containers/${list}`, JSON.stringify([{ id: 'f'.repeat(64), names: ['other'] }]))
  file(`home/ann/.local/share/containers/${list}`, JSON.stringify([null, 5, { id: ID, names: ['hers'] }]))
  expect(named('podman').name).toBe('hers')
})

test('containerd by nerdctl', () => {
  file('var/lib/nerdctl/1935db59/names/default/job', `${ID}\n`)
  expect(named('containerd').name).toBe('job')
})

test('Kubernetes: container, pod and namespace', () => {
  mkdirSync(join(root, 'var/log/containers'), { recursive: true })
  symlinkSync('/nowhere', join(root, `var/log/containers/web-7c9_prod_nginx-${ID}.log`))
  expect(named('kubernetes', ID, { uid: 'u' })).toEqual({
    engine: 'kubernetes',
    id: ID,
    name: 'nginx',
    pod: { uid: 'u', name: 'web-7c9', namespace: 'prod' },
  })
})

test('LXC containers are named by their id', () => {
  expect(named('lxc', 'web-1').name).toBe('web-1')
})

test('files that are missing, damaged or no files give no name, and nobody waits', () => {
  expect(named('docker').name).toBeUndefined()
  file(`var/lib/docker/containers/${ID}/config.v2.json`, '{"Name":')
  expect(named('docker').name).toBeUndefined()
  file(`var/lib/docker/containers/${ID}/config.v2.json`, '{"Name":["x"]}')
  expect(named('docker').name).toBeUndefined()
  mkdirSync(join(root, 'home/ann/.local/share/containers/storage/overlay-containers'), { recursive: true })
  execFileSync('sh', [
    '-c',
    'mkfifo "$0"',
    join(root, 'home/ann/.local/share/containers/storage/overlay-containers/containers.json'),
  ])
  expect(named('podman').name).toBeUndefined()
  expect(named('docker', '../../../etc').name).toBeUndefined()
})

test('a name that comes later is found later, and asked for rarely', () => {
  const names = new ContainerNames(root)
  const container = { engine: 'docker', id: ID } as const
  expect(names.name(container, 0).name).toBeUndefined()
  file(`var/lib/docker/containers/${ID}/config.v2.json`, JSON.stringify({ Name: '/web' }))
  expect(names.name(container, 9_000).name).toBeUndefined()
  expect(names.name(container, 11_000).name).toBe('web')
})
