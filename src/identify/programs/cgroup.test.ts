import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseCgroups } from './cgroup.ts'

const ID = '0123456789abcdef'.repeat(4)
const UID = '6a1f9c2e-0b1d-4e5f-8a7b-112233445566'
const UID_ = UID.replaceAll('-', '_')

describe('a container is known by its control group', () => {
  test.each([
    ['docker with systemd', `0::/system.slice/docker-${ID}.scope`, { engine: 'docker', id: ID }],
    ['docker with cgroupfs', `4:memory:/docker/${ID}`, { engine: 'docker', id: ID }],
    [
      'docker in docker: the inner one',
      `0::/docker/${'f'.repeat(64)}/docker/${ID}`,
      { engine: 'docker', id: ID },
    ],
    ['podman', `0::/machine.slice/libpod-${ID}.scope/container`, { engine: 'podman', id: ID }],
    [
      'podman without root',
      `0::/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-${ID}.scope`,
      { engine: 'podman', id: ID },
    ],
    ['containerd', `0::/system.slice/nerdctl-${ID}.scope`, { engine: 'containerd', id: ID }],
    ['containerd with cgroupfs', `5:cpu:/k8s.io/${ID}`, { engine: 'containerd', id: ID }],
    [
      'containerd for Kubernetes',
      `0::/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod${UID_}.slice/cri-containerd-${ID}.scope`,
      { engine: 'containerd', id: ID, pod: { uid: UID } },
    ],
    [
      'CRI-O',
      `0::/kubepods.slice/kubepods-pod${UID_}.slice/crio-${ID}.scope`,
      { engine: 'cri-o', id: ID, pod: { uid: UID } },
    ],
    [
      'Kubernetes with cgroupfs',
      `0::/kubepods/burstable/pod${UID}/${ID}`,
      { engine: 'kubernetes', id: ID, pod: { uid: UID } },
    ],
    ['LXC', '0::/lxc.payload.web-1/system.slice/ssh.service', { engine: 'lxc', id: 'web-1' }],
    ['nspawn', '0::/machine.slice/machine-my\\x2dbox.scope', { engine: 'nspawn', id: 'my-box' }],
  ])('%s', (_what, text, container) => {
    expect(parseCgroups(`${text}\n`).container).toEqual(container)
  })

  test.each([
    ['a short id', `0::/docker/${ID.slice(1)}`],
    ['capitals', `0::/docker/${ID.toUpperCase()}`],
    ['a folder of somebody', `0::/mydocker/${ID}`],
    ['a name of an object', '0::/constructor/x'],
    ['the root', '0::/'],
    ['nothing', ''],
  ])('%s is none', (_what, text) => {
    expect(parseCgroups(text).container).toBeUndefined()
  })
})

test.each([
  ['0::/system.slice/ssh.service', 'ssh.service'],
  ['0::/system.slice/system-getty.slice/getty@tty1.service', 'getty@tty1.service'],
  ['0::/user.slice/user-1000.slice/session-3.scope', 'session-3.scope'],
  ['0::/user.slice/user-0.slice/user@0.service/app.slice/dbus.service', 'dbus.service'],
  ['0::/\n1:name=systemd:/system.slice/cron.service\n2:cpu:/x', 'cron.service'],
  ['0::/system.slice/caf\\xc3\\xa9.service', 'café.service'],
  ['0::/system.slice', undefined],
])('the unit of %j is %s', (text, unit) => {
  expect(parseCgroups(text).unit).toBe(unit)
})

test.each([
  ['0::/user.slice/snap.firefox.firefox-0a1b.scope', { kind: 'snap', name: 'firefox' }],
  ['0::/system.slice/snap.lxd.daemon.service', { kind: 'snap', name: 'lxd' }],
  [
    '0::/app.slice/app-flatpak-org.mozilla.firefox-4711.scope',
    { kind: 'flatpak', name: 'org.mozilla.firefox' },
  ],
  ['0::/app.slice/app-gnome-firefox-4711.scope', undefined],
])('the sandbox of %j', (text, sandbox) => {
  expect(parseCgroups(text).sandbox).toEqual(sandbox)
})

test('any text is read without an error, and names stay short', () => {
  const part = fc.oneof(fc.string(), fc.constantFrom('docker', 'lxc', '\\x', '..', `docker-${ID}.scope`))
  fc.assert(
    fc.property(fc.array(part), (parts) => {
      parseCgroups(`0::/${parts.join('/')}\n${parts.join(':')}`)
    }),
  )
  const long = parseCgroups(`0::/lxc/${'a'.repeat(5_000)}/${'b'.repeat(5_000)}.service`)
  expect([long.unit?.length, long.container?.id.length]).toEqual([256, 256])
})
