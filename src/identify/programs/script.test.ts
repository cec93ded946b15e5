import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sandboxOfPath } from './sandbox.ts'
import { scriptOf } from './script.ts'

test.each<[string, string, string | undefined]>([
  ['/usr/bin/python3.12', 'python3 -u -W ignore /srv/app.py --port 80', '/srv/app.py'],
  ['/usr/bin/python3', 'python3 -m http.server', '-m http.server'],
  ['/usr/bin/python3', 'python3 -c print(1)', undefined],
  ['/usr/bin/python3', 'python3', undefined],
  ['/usr/bin/node', 'node --require ./a.js server.js', 'server.js'],
  ['/usr/bin/node', 'node -e 1', undefined],
  ['/usr/bin/bash', 'bash -x ./deploy.sh now', './deploy.sh'],
  ['/usr/bin/bash', '-bash', undefined],
  ['/usr/bin/dash', '/bin/sh -- job', 'job'],
  ['/usr/bin/perl', 'perl -I lib tool.pl', 'tool.pl'],
  ['/usr/bin/php8.2', 'php -d a=b -f index.php', 'index.php'],
  ['/usr/lib/jvm/bin/java', 'java -Xmx1g -cp a.jar -jar app.jar', 'app.jar'],
  ['/usr/bin/deno', 'deno run main.ts', 'main.ts'],
  ['/bin/busybox', 'busybox sh job.sh', 'job.sh'],
  ['/usr/bin/curl', 'curl x.py', undefined],
  ['/usr/bin/pythonic', 'pythonic x.py', undefined],
])('of %s, run as "%s", the script is %s', (path, words, script) => {
  expect(scriptOf(path, words.split(' '))).toBe(script)
})

test('arguments may be anything', () => {
  const name = fc.constantFrom('python3', 'java', 'busybox', 'deno', 'bash', 'toString')
  fc.assert(
    fc.property(
      name,
      fc.array(fc.oneof(fc.string(), fc.constantFrom('-m', '-jar', '--', '-c', '-W'))),
      (of, words) => {
        expect((scriptOf(`/usr/bin/${of}`, words) ?? '').length).toBeLessThanOrEqual(1_027)
      },
    ),
  )
})

test.each([
  ['/snap/firefox/4173/usr/lib/firefox/firefox', { kind: 'snap', name: 'firefox' }],
  ['/tmp/.mount_MyAppaB3xYz/usr/bin/myapp', { kind: 'appimage', name: 'MyApp' }],
  ['/usr/bin/snap', undefined],
  ['/tmp/.mount_short/x', undefined],
])('the sandbox of %s', (path, sandbox) => {
  expect(sandboxOfPath(path)).toEqual(sandbox)
})
