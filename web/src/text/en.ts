import { accounts, roles } from './en-accounts.ts'
import { connections, inspector } from './en-connections.ts'
import { alerts, blocks, decisions } from './en-decide.ts'
import { lists } from './en-lists.ts'
import { rules } from './en-rules.ts'
import { detectors, settings } from './en-settings.ts'
import { path, timeline, views } from './en-timeline.ts'
import { graph, hosts, map, past, period, programs, search } from './en-watch.ts'
import { many, n, wordsBy } from './words.ts'

/** The page in English: plain, short, present tense. Functions where a sentence holds numbers or names. */
export const en = {
  product: 'Gatehouse',
  skip: 'Skip to content',
  main: 'Main',
  groups: { watch: 'Watch', decide: 'Decide', system: 'System' },
  more: 'More',
  thisMachine: 'This machine',
  copy: 'Copy',
  copied: 'Copied',
  copyAs: {
    title: 'Copy as',
    acts: {
      accept: 'Accept',
      archive: 'Done',
      block: 'Block',
      change: 'Block for an hour',
      close: 'Close',
      copy: 'Copy below',
      edit: 'Write anew',
      listAlert: 'Alert',
      listBlock: 'Block',
      listRecord: 'Record',
      modeAct: 'Act',
      modeOff: 'Off',
      modeSuggest: 'Suggest',
      modeWatch: 'Watch',
      moveDown: 'Move down',
      moveUp: 'Move up',
      off: 'Switch off',
      on: 'Switch on',
      refuse: 'Refuse',
      remove: 'Remove',
      reset: 'Back to default',
      resetCode: 'Switch the code off',
      restore: 'Make it the draft',
      revoke: 'Revoke',
      roleAdmin: 'Make it an admin',
      roleOperator: 'Make it an operator',
      roleViewer: 'Make it a viewer',
      rule: 'Rule',
      see: 'See',
      set: 'Set',
      signOut: 'Sign out',
      unarchive: 'Back to the inbox',
      unblock: 'Unblock',
      undo: 'Undo',
      update: 'Fetch now',
      why: 'Explain',
    },
    cli: (act: string) => `${act}: copy the command line (CLI)`,
    api: (act: string) => `${act}: copy the API call`,
    cliShort: 'CLI',
    apiShort: 'API',
  },
  close: 'Close',
  cancel: 'Cancel',
  loading: 'Loading',
  never: 'never',
  none: '—',

  span: {
    seconds: (count: number) => `${n(count)} s`,
    minutes: (count: number) => `${n(count)} min`,
    hours: (count: number) => `${n(count)} h`,
    days: (count: number) => `${n(count)} d`,
    ago: (span: string) => `${span} ago`,
  },

  status: {
    protecting: 'Protecting',
    watching: 'Watching only',
    degraded: 'Degraded',
    opening: 'Connecting',
    lost: 'Lost touch',
    live: 'Live',
    paused: 'Paused',
    pause: 'Pause updates (Space)',
    resume: 'Resume updates (Space)',
    pausedSince: (at: string, missed: number) => `Paused at ${at}, ${n(missed)} more since.`,
    alertsNeedYou: (count: number) => (count === 1 ? '1 alert needs you.' : `${n(count)} alerts need you.`),
    opensAgain: 'Getting in touch with Gatehouse.',
    down: 'Down',
    up: 'Up',
  },

  notes: {
    lost: (span: string) => `This page lost touch with Gatehouse ${span} ago.`,
    lostEffect: (at: string) =>
      `What you see is from ${at}. If Gatehouse still runs, it goes on without the page; blocks stay in the kernel.`,
    tryNow: 'Try now',
    part: (part: string, state: string) => `${part}: ${state}.`,
    states: wordsBy({ degraded: 'works only in part', off: 'off' }),
    watching: 'Gatehouse can see but not block.',
    details: 'See all checks',
    more: (count: number) => `and ${n(count)} more`,
  },

  problems: {
    unreachable: {
      title: 'Gatehouse cannot be reached.',
      detail: 'The page got no answer from Gatehouse.',
      hint: 'Check that it runs: gatehouse status',
    },
    unexpected: (status: number) => `Gatehouse answered with the unexpected status ${status}.`,
  },

  login: {
    title: 'Sign in to Gatehouse',
    lede: 'Gatehouse lets you in with a link that works once. Make one in a terminal on this machine, then open it:',
    command: 'sudo gatehouse login',
    name: 'Name',
    password: 'Password',
    code: 'Code of your authenticator app',
    codeHelp: 'Six digits. The phone is gone? One of your recovery codes does it too.',
    orPassword: 'Or use the password',
    orName: 'Or sign in with your name',
    signIn: 'Sign in',
    show: 'Show the password',
    hide: 'Hide the password',
    foot: 'Protection runs whether or not you are signed in.',
    ended: 'Your session has ended.',
    endedWhy:
      'Gatehouse was started again, the session was too old, or somebody ended it: by hand, or with another password or role. Nothing was lost.',
    signOut: 'Sign out',
  },

  proof: {
    title: 'Prove that it is you',
    lede: 'Rules, settings and accounts change only soon after somebody signed in: a page that was left open is not enough.',
    password: 'Password',
    code: 'Code of your authenticator app',
    noPassword: 'No password? Open a fresh link:',
    onlyLink: 'You have no password here. Open a fresh link, then do this once more:',
    submit: 'Go on',
  },

  toast: {
    undo: 'Undo',
    closed: (count: number) => `${many(count, 'connection was', 'connections were')} closed.`,
    dismiss: 'Dismiss',
    nothingToUndo: 'There is nothing to undo.',
    stack: (count: number) => `${many(count, 'act', 'acts')} of yours can be undone`,
    readAnew: 'More happened meanwhile than Gatehouse repeats. Everything was read anew.',
    pickOne: 'Choose a host or a flow. Whole programs cannot be blocked yet.',
    copied: (what: string) => `Copied: ${what}`,
    copyFailed: 'The browser did not let the page copy.',
    blocked: (count: number) => `${n(count)} addresses are blocked.`,
    decided: (kind: string, target: string) => `${kind}: ${target}`,
    archived: (count: number) => `${many(count, 'alert is', 'alerts are')} done.`,
    later: (count: number, at: string) => `${many(count, 'alert comes', 'alerts come')} back on ${at}.`,
    asksNothing: 'This alert asks nothing: no block waits for you.',
    theme: (name: string) => `Theme: ${name}.`,
  },

  look: {
    title: 'Look',
    theme: 'Theme',
    themes: {
      system: 'Follows the system',
      dark: 'Dark',
      light: 'Light',
      contrast: 'High contrast, dark',
      'contrast-light': 'High contrast, light',
    },
    density: 'Rows',
    densities: { compact: 'Compact', comfortable: 'Comfortable' },
    language: 'Language',
    asBrowser: 'Follows the browser',
  },

  keys: {
    title: 'Keyboard',
    open: 'Keyboard shortcuts (?)',
    groups: { go: 'Go to', list: 'In any list', act: 'Act', view: 'View' },
    note: 'Single keys do nothing while you type in a field.',
    off: 'Turn single keys off',
    on: 'Turn single keys on',
    help: 'These keys',
    search: 'Search',
    pause: 'Pause, resume',
    theme: 'Theme',
    undo: 'Undo the last action',
    down: 'Next',
    up: 'Previous',
    open_: 'Open a group',
    shut: 'Close a group',
    inspect: 'Inspect',
    escape: 'Close the panel',
    select: 'Select',
    selectTo: 'Select up to here',
    showNew: 'Show new rows',
    block: 'Block, unblock',
    blockHow: 'Block, and choose how',
    end: 'Close the connection',
    copy: 'Copy the row',
    done: 'Done',
    later: 'Later: until tomorrow',
    allow: 'Never block it, when asked',
    command: 'Jump, search, act',
    commandOpen: 'Jump, search, act (Ctrl K)',
    new: 'Block an address',
    names: wordsBy({
      ' ': 'Space',
      ArrowRight: '→',
      ArrowLeft: '←',
      Escape: 'Esc',
      Enter: 'Enter',
      Control: 'Ctrl',
      Alt: 'Alt',
    }),
    shift: 'Shift',
    /** A label as it stands beside its key. */
    hint: (label: string) => label.toLowerCase(),
    move: 'move',
    all: 'all keys',
  },

  now: {
    title: 'Now',
    opening: 'One moment: asking Gatehouse.',
    quiet: 'All quiet.',
    needs: (count: number) =>
      count === 1 ? '1 thing needs you. Everything else is as usual.' : `${n(count)} things need you.`,
    talking: (programs: number, hosts: number) =>
      `${many(programs, 'program is', 'programs are')} talking to ${many(hosts, 'host', 'hosts')}`,
    shutOut: (count: number) => `${many(count, 'address is', 'addresses are')} shut out`,
    since: (at: string) => `Gatehouse has been watching since ${at}`,
    tiles: {
      down: 'Down',
      up: 'Up',
      connections: 'Live connections',
      programs: 'Programs talking',
      unknown: 'Without a known program',
      blocks: 'Shut out',
    },
    peak: (rate: string) => `peak ${rate}`,
    fresh: (count: number) => `${n(count)} in the last minute`,
    ofAll: (share: string) => `${share} of connections`,
    knocking: (count: number) => (count === 0 ? 'none is knocking' : `${n(count)} still knocking`),
    inbound: (count: number) => `${n(count)} inbound`,
    needsYou: 'Needs you',
    inbox: 'Open inbox',
    nothing: 'Nothing waits for you.',
    lastAlert: (at: string) => `The last alert was at ${at}.`,
    noAlert: 'There was no alert yet. When a scan or a sweep is seen, it shows up here.',
    traffic: 'Traffic',
    trafficSpan: (minutes: number) => `last ${minutes} min, down above the line, up below`,
    trafficWaits: 'The graph fills while the page is open.',
    present: 'now',
    table: 'Same data as a table',
    graph: 'Back to the graph',
    time: 'Time',
    busiest: 'Busiest programs',
    all: (count: number) => `All ${n(count)}`,
    lately: 'Lately blocked',
    noBlock: 'Nobody is shut out.',
    tries: (count: string) => `${count} turned away`,
    watching: 'What is watched',
    received: 'Packets',
    dropped: 'Missed',
    interface: 'Interface',
    figures: {
      packets: 'Packets seen',
      flows: 'Flows in the table',
      hosts: 'Hosts in the table',
      refused: 'Refused by full tables',
      undecodable: 'Could not be read',
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

  inspector,

  alerts,

  blocks,

  decisions,

  rules,

  lists,

  detectors,

  settings,
  decoys: 'Decoys',

  roles,

  accounts,

  doctor: {
    title: 'Doctor',
    lede: 'What Gatehouse needs of this machine, and what it found.',
    again: 'Check again',
    states: { ok: 'Fine', warning: 'Look at this', failed: 'Does not work' },
    parts: 'Parts',
    partStates: { ok: 'Works', degraded: 'Works in part', off: 'Off' },
    checks: 'Checks',
    allFine: 'All checks are fine.',
    trouble: (failed: number, warnings: number) =>
      `${[
        failed > 0 ? many(failed, 'check fails', 'checks fail') : '',
        warnings > 0 ? many(warnings, 'warning', 'warnings') : '',
      ]
        .filter(Boolean)
        .join(', ')}.`,
    version: (version: string) => `Gatehouse ${version}`,
    checking: 'Checking this machine.',
  },

  path,
  timeline,
  views,

  later: {
    title: 'This screen could not be loaded',
    why: 'The page got no answer, or Gatehouse was updated since the page was opened.',
    again: 'Load the page again',
  },

  lostPage: {
    title: 'There is no such page',
    why: (path: string) => `Nothing is kept at ${path}.`,
    home: 'Go to Now',
  },
}

/** Every word of the page. A translation is another file of this shape: one that lacks a key does not compile. */
export type Text = typeof en
