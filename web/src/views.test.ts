import { expect, test } from 'vitest'
import { hrefOfView, parseViews, viewOf, withView } from './views.ts'

test('a view is the screen with its search and look, without the row that is open', () => {
  const view = viewOf(' Mail ', '/connections', new URLSearchParams('q=app:mail port:25&view=flat&sel=f:12'))
  expect(view.name).toBe('Mail')
  expect(hrefOfView(view)).toBe('/connections?q=app%3Amail+port%3A25&view=flat')
  expect(parseViews(JSON.stringify([view]))).toEqual([view])
})

test('a view of the same name takes the place of the old one', () => {
  const [a, b] = [viewOf('A', '/hosts', new URLSearchParams()), viewOf('B', '/map', new URLSearchParams())]
  const again = viewOf('A', '/programs', new URLSearchParams('period=day'))
  expect(withView([a, b], again)).toEqual([again, b])
})

test('what is kept and is no view of this page is passed by', () => {
  const bad = [
    { name: 'x', path: '//evil.example', query: '' },
    { name: 'y', path: 'javascript:alert(1)', query: '' },
    7,
  ]
  expect(parseViews(JSON.stringify(bad))).toEqual([])
  expect(parseViews('{')).toEqual([])
  expect(parseViews(undefined)).toEqual([])
})
