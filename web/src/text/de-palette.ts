import type { palette as english } from './en-palette.ts'

export const palette: typeof english = {
  title: 'Springen, suchen, handeln',
  placeholder: 'Ansicht, Programm, Host, Alarm, oder was zu tun ist',
  results: 'Was passt',
  groups: {
    go: 'Gehe zu',
    act: 'Handeln',
    programs: 'Programme, die gerade sprechen',
    hosts: 'Hosts, mit denen gesprochen wird',
    alerts: 'Alarme',
    blocks: 'Sperren',
    search: 'Suchen',
  },
  searchLive: (typed) => `Offene Verbindungen mit ${typed}`,
  searchPast: (typed) => `Frühere Verbindungen mit ${typed}`,
  searchBlocks: (typed) => `Sperren mit ${typed}`,
  searchLists: (typed) => `Bedrohungslisten, die ${typed} nennen`,
  searchSettings: (typed) => `Einstellungen zu ${typed}`,
  block: (typed) => `${typed} sperren`,
  move: 'wählen',
  open: 'los',
  close: 'schließen',
}
