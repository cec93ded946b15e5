import { accounts, roles } from './de-accounts.ts'
import { connections, inspector } from './de-connections.ts'
import { alerts, blocks, decisions } from './de-decide.ts'
import { lists } from './de-lists.ts'
import { rules } from './de-rules.ts'
import { detectors, settings } from './de-settings.ts'
import { path, timeline, views } from './de-timeline.ts'
import { graph, hosts, map, past, period, programs, search } from './de-watch.ts'
import type { Text } from './text.ts'
import { many, n } from './words.ts'

/** Fetched with the catalogue. */
export { germanSaid } from './de-said.ts'

/** The page in German: nobody is addressed as du or Sie, and buttons say what they do. */
export const de: Text = {
  product: 'Gatehouse',
  skip: 'Zum Inhalt springen',
  main: 'Hauptmenü',
  groups: { watch: 'Beobachten', decide: 'Entscheiden', system: 'System' },
  more: 'Mehr',
  thisMachine: 'Dieser Rechner',
  copy: 'Kopieren',
  copied: 'Kopiert',
  copyAs: {
    title: 'Kopieren als',
    acts: {
      accept: 'Annehmen',
      archive: 'Erledigt',
      block: 'Sperren',
      change: 'Für eine Stunde sperren',
      close: 'Trennen',
      copy: 'Darunter kopieren',
      edit: 'Neu schreiben',
      listAlert: 'Melden',
      listBlock: 'Sperren',
      listRecord: 'Vermerken',
      modeAct: 'Handeln',
      modeOff: 'Aus',
      modeSuggest: 'Vorschlagen',
      modeWatch: 'Beobachten',
      moveDown: 'Nach unten',
      moveUp: 'Nach oben',
      off: 'Ausschalten',
      on: 'Einschalten',
      refuse: 'Ablehnen',
      remove: 'Entfernen',
      reset: 'Auf Standard',
      resetCode: 'Code ausschalten',
      restore: 'Zum Entwurf machen',
      revoke: 'Widerrufen',
      roleAdmin: 'Zum Verwalter machen',
      roleOperator: 'Zum Bediener machen',
      roleViewer: 'Zum Betrachter machen',
      rule: 'Regel',
      see: 'Ansehen',
      set: 'Setzen',
      signOut: 'Abmelden',
      unarchive: 'Zurück in den Eingang',
      unblock: 'Entsperren',
      undo: 'Zurücknehmen',
      update: 'Jetzt holen',
      why: 'Erklären',
    },
    cli: (act) => `${act}: Befehlszeile kopieren (CLI)`,
    api: (act) => `${act}: API-Aufruf kopieren`,
    cliShort: 'CLI',
    apiShort: 'API',
  },
  close: 'Schließen',
  cancel: 'Abbrechen',
  loading: 'Wird geladen',
  never: 'nie',
  none: '—',

  span: {
    seconds: (count) => `${n(count)} s`,
    minutes: (count) => `${n(count)} min`,
    hours: (count) => `${n(count)} h`,
    days: (count) => `${n(count)} Tg.`,
    ago: (span) => `vor ${span}`,
  },

  status: {
    protecting: 'Schützt',
    watching: 'Beobachtet nur',
    degraded: 'Eingeschränkt',
    opening: 'Verbindet',
    lost: 'Kein Kontakt',
    live: 'Live',
    paused: 'Angehalten',
    pause: 'Anzeige anhalten (Leertaste)',
    resume: 'Anzeige fortsetzen (Leertaste)',
    pausedSince: (at, missed) => `Angehalten um ${at}, seitdem ${n(missed)} neu.`,
    alertsNeedYou: (count) => `${many(count, 'Alarm wartet', 'Alarme warten')}.`,
    opensAgain: 'Kontakt zu Gatehouse wird aufgenommen.',
    down: 'Download',
    up: 'Upload',
  },

  notes: {
    lost: (span) => `Kein Kontakt zu Gatehouse seit ${span}.`,
    lostEffect: (at) =>
      `Zu sehen ist der Stand von ${at}. Läuft Gatehouse noch, arbeitet es ohne die Seite weiter; Sperren bleiben im Kernel.`,
    tryNow: 'Jetzt versuchen',
    part: (part, state) => `${part}: ${state}.`,
    states: { degraded: 'arbeitet nur zum Teil', off: 'aus' },
    watching: 'Gatehouse kann zusehen, aber nicht sperren.',
    details: 'Alle Prüfungen ansehen',
    more: (count) => `und ${n(count)} weitere`,
  },

  problems: {
    unreachable: {
      title: 'Gatehouse ist nicht zu erreichen.',
      detail: 'Die Seite bekam keine Antwort von Gatehouse.',
      hint: 'Läuft es? Prüfen mit: gatehouse status',
    },
    unexpected: (status) => `Gatehouse antwortete mit dem unerwarteten Status ${status}.`,
  },

  login: {
    title: 'Bei Gatehouse anmelden',
    lede: 'Hinein geht es mit einem Link, der einmal gilt. In einem Terminal auf diesem Rechner erstellen, dann öffnen:',
    command: 'sudo gatehouse login',
    name: 'Name',
    password: 'Passwort',
    code: 'Code der Authenticator-App',
    codeHelp: 'Sechs Ziffern. Telefon weg? Ein Ersatzcode tut es auch.',
    orPassword: 'Oder mit dem Passwort',
    orName: 'Oder mit Namen anmelden',
    signIn: 'Anmelden',
    show: 'Passwort zeigen',
    hide: 'Passwort verbergen',
    foot: 'Der Schutz läuft, ob jemand angemeldet ist oder nicht.',
    ended: 'Die Sitzung ist beendet.',
    endedWhy:
      'Gatehouse wurde neu gestartet, die Sitzung war zu alt, oder jemand hat sie beendet: von Hand oder durch ein anderes Passwort oder eine andere Rolle. Nichts ging verloren.',
    signOut: 'Abmelden',
  },

  proof: {
    title: 'Bitte ausweisen',
    lede: 'Regeln, Einstellungen und Konten lassen sich nur kurz nach einer Anmeldung ändern: eine offen gelassene Seite genügt nicht.',
    password: 'Passwort',
    code: 'Code der Authenticator-App',
    noPassword: 'Kein Passwort? Einen neuen Link öffnen:',
    onlyLink: 'Hier gibt es kein Passwort. Einen neuen Link öffnen, dann dies noch einmal tun:',
    submit: 'Weiter',
  },

  toast: {
    undo: 'Zurücknehmen',
    closed: (count) => `${many(count, 'Verbindung', 'Verbindungen')} getrennt.`,
    dismiss: 'Ausblenden',
    nothingToUndo: 'Es gibt nichts zurückzunehmen.',
    stack: (count) => `${many(count, 'eigene Handlung lässt', 'eigene Handlungen lassen')} sich zurücknehmen`,
    readAnew: 'Inzwischen geschah mehr, als Gatehouse wiederholt. Alles wurde neu gelesen.',
    pickOne: 'Bitte einen Host oder eine Verbindung wählen. Ganze Programme lassen sich noch nicht sperren.',
    copied: (what) => `Kopiert: ${what}`,
    copyFailed: 'Der Browser hat das Kopieren nicht erlaubt.',
    blocked: (count) => `${many(count, 'Adresse ist', 'Adressen sind')} gesperrt.`,
    decided: (kind, target) => `${kind}: ${target}`,
    archived: (count) => `${many(count, 'Alarm ist', 'Alarme sind')} erledigt.`,
    theme: (name) => `Farben: ${name}.`,
  },

  look: {
    title: 'Aussehen',
    theme: 'Farben',
    themes: {
      system: 'Wie das System',
      dark: 'Dunkel',
      light: 'Hell',
      contrast: 'Hoher Kontrast, dunkel',
      'contrast-light': 'Hoher Kontrast, hell',
    },
    density: 'Zeilen',
    densities: { compact: 'Eng', comfortable: 'Weit' },
    language: 'Sprache',
    asBrowser: 'Wie der Browser',
  },

  keys: {
    title: 'Tastatur',
    open: 'Tastenkürzel (?)',
    groups: { go: 'Gehe zu', list: 'In jeder Liste', act: 'Handeln', view: 'Ansicht' },
    note: 'Einzelne Tasten bewirken nichts, solange in ein Feld getippt wird.',
    off: 'Einzelne Tasten ausschalten',
    on: 'Einzelne Tasten einschalten',
    help: 'Diese Tasten',
    search: 'Suchen',
    pause: 'Anhalten, fortsetzen',
    theme: 'Farben',
    undo: 'Letzte Handlung zurücknehmen',
    down: 'Nächste',
    up: 'Vorige',
    open_: 'Gruppe aufklappen',
    shut: 'Gruppe zuklappen',
    inspect: 'Genauer ansehen',
    escape: 'Seitenleiste schließen',
    select: 'Auswählen',
    selectTo: 'Bis hierher auswählen',
    showNew: 'Neue Zeilen zeigen',
    block: 'Sperren, entsperren',
    blockHow: 'Sperren, mit Wahl',
    end: 'Verbindung trennen',
    copy: 'Zeile kopieren',
    done: 'Erledigt',
    new: 'Adresse sperren',
    names: {
      ' ': 'Leertaste',
      ArrowRight: '→',
      ArrowLeft: '←',
      Escape: 'Esc',
      Enter: 'Eingabe',
      Control: 'Strg',
      Alt: 'Alt',
    },
    shift: 'Umschalt',
    hint: (label) => label,
    move: 'bewegen',
    all: 'alle Tasten',
  },

  now: {
    title: 'Jetzt',
    opening: 'Einen Moment: Gatehouse wird gefragt.',
    quiet: 'Alles ruhig.',
    needs: (count) =>
      count === 1 ? '1 Sache wartet. Alles andere ist wie immer.' : `${n(count)} Dinge warten.`,
    talking: (programs, hosts) =>
      `${many(programs, 'Programm spricht', 'Programme sprechen')} mit ${many(hosts, 'Host', 'Hosts')}`,
    shutOut: (count) => `${many(count, 'Adresse ist', 'Adressen sind')} ausgesperrt`,
    since: (at) => `Gatehouse beobachtet seit ${at}`,
    tiles: {
      down: 'Download',
      up: 'Upload',
      connections: 'Offene Verbindungen',
      programs: 'Sprechende Programme',
      unknown: 'Programm unbekannt',
      blocks: 'Ausgesperrt',
    },
    peak: (rate) => `max. ${rate}`,
    fresh: (count) => `${n(count)} neu in 1 min`,
    ofAll: (share) => `${share} der Verbindungen`,
    knocking: (count) => (count === 0 ? 'niemand klopft an' : `${many(count, 'klopft', 'klopfen')} noch an`),
    inbound: (count) => `${n(count)} eingehend`,
    needsYou: 'Zu tun',
    inbox: 'Eingang öffnen',
    nothing: 'Hier wartet nichts.',
    lastAlert: (at) => `Letzter Alarm: ${at}.`,
    noAlert: 'Bisher kein Alarm. Wird ein Scan oder ein Absuchen des Netzes bemerkt, steht es hier.',
    traffic: 'Verkehr',
    trafficSpan: (minutes) => `letzte ${n(minutes)} min, Download oben, Upload unten`,
    trafficWaits: 'Die Kurve füllt sich, solange die Seite offen ist.',
    present: 'jetzt',
    table: 'Dasselbe als Tabelle',
    graph: 'Zurück zur Kurve',
    time: 'Zeit',
    busiest: 'Eifrigste Programme',
    all: (count) => `Alle ${n(count)}`,
    lately: 'Zuletzt gesperrt',
    noBlock: 'Niemand ist ausgesperrt.',
    tries: (count) => `${count} abgewiesen`,
    watching: 'Was beobachtet wird',
    received: 'Pakete',
    dropped: 'Verpasst',
    interface: 'Schnittstelle',
    figures: {
      packets: 'Gesehene Pakete',
      flows: 'Verbindungen in der Tabelle',
      hosts: 'Hosts in der Tabelle',
      refused: 'Abgelehnt, weil Tabellen voll',
      undecodable: 'Nicht lesbar',
    },
  },

  connections,
  search,
  past,
  period,
  programs,
  hosts,
  graph,
  map,
  path,
  timeline,
  views,

  inspector,

  alerts,

  blocks,

  decisions,

  rules,

  lists,

  detectors,

  settings,

  roles,

  accounts,

  doctor: {
    title: 'Diagnose',
    lede: 'Was Gatehouse von diesem Rechner braucht, und was es vorgefunden hat.',
    again: 'Erneut prüfen',
    states: { ok: 'In Ordnung', warning: 'Bitte ansehen', failed: 'Geht nicht' },
    parts: 'Teile',
    partStates: { ok: 'Arbeitet', degraded: 'Arbeitet zum Teil', off: 'Aus' },
    checks: 'Prüfungen',
    allFine: 'Alle Prüfungen sind in Ordnung.',
    trouble: (failed, warnings) =>
      `${[
        failed > 0 ? many(failed, 'Prüfung schlägt fehl', 'Prüfungen schlagen fehl') : '',
        warnings > 0 ? many(warnings, 'Warnung', 'Warnungen') : '',
      ]
        .filter(Boolean)
        .join(', ')}.`,
    version: (version) => `Gatehouse ${version}`,
    checking: 'Dieser Rechner wird geprüft.',
  },

  later: {
    title: 'Diese Ansicht ließ sich nicht laden',
    why: 'Die Seite bekam keine Antwort, oder Gatehouse wurde aktualisiert, seit die Seite offen ist.',
    again: 'Seite neu laden',
  },

  lostPage: {
    title: 'Diese Seite gibt es nicht',
    why: (path) => `Unter ${path} liegt nichts.`,
    home: 'Zu „Jetzt“',
  },
}
