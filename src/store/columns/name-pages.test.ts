import { DatabaseSync } from 'node:sqlite'
import { beforeEach, expect, test } from 'vitest'
import { inTransaction, migrate } from '../migrate.ts'
import { NamePages } from './name-pages.ts'

let db: DatabaseSync
let pages: NamePages

beforeEach(() => {
  db = new DatabaseSync(':memory:')
  migrate(db, ':memory:')
  pages = new NamePages(db)
})

function add(count: number, text: (at: number) => string): number[] {
  const insert = db.prepare(
    "INSERT INTO names (name, source, first_segment, last_segment) VALUES (?, 'dns', 1, 1)",
  )
  return inTransaction(db, () =>
    Array.from({ length: count }, (_, at) => Number(insert.run(text(at)).lastInsertRowid)),
  )
}

/** As retention does it. */
function remove(first: number, last: number): void {
  inTransaction(db, () => {
    db.prepare('DELETE FROM names WHERE id BETWEEN ? AND ?').run(first, last)
    pages.renew(first, last)
  })
}

const packAll = (): void => {
  while (pages.step());
}
const idsWith = (piece: string): number[] => pages.ids({ pieces: [piece], isWhole: false })
const pageCount = (): number =>
  Number(db.prepare('SELECT count(*) AS count FROM name_pages').get()?.['count'])

test('names are found before they are packed, after, and by those that came since', () => {
  const ids = add(3000, (at) => `host-${at}.Example.com`)
  expect(idsWith('.example.')).toEqual(ids)
  packAll()
  expect(pageCount()).toBe(2)
  expect(idsWith('.example.')).toEqual(ids)
  expect(idsWith('host-2999.')).toEqual([ids[2999]])
  const [later] = add(1, () => 'later')
  expect(idsWith('later')).toEqual([later])
})

test('names that were removed are gone from their pages, and an id that is given anew means the new name', () => {
  const ids = add(2500, (at) => `old-${at}`)
  packAll()
  remove(1, 10)
  expect(idsWith('old-')).toEqual(ids.slice(10))
  remove(1500, 2500)
  expect(idsWith('old-')).toEqual(ids.slice(10, 1499))
  const anew = add(1000, (at) => `new-${at}`)
  expect(anew[0]).toBe(1500)
  expect(idsWith('old-')).toEqual(ids.slice(10, 1499))
  expect(idsWith('new-')).toEqual(anew)
  packAll()
  expect(idsWith('new-')).toEqual(anew)
  remove(1, 2499)
  expect(idsWith('')).toEqual([])
  expect(pageCount()).toBe(0)
})

test('a page that nothing is left of is passed over', () => {
  add(5000, (at) => `name-${at}`)
  packAll()
  remove(1, 3000)
  expect(idsWith('name-2999')).toEqual([])
  expect(idsWith('name-3000')).toEqual([3001])
  expect(pageCount()).toBe(2)
})
