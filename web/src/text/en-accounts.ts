import { many, n } from './words.ts'

export const roles = {
  names: { viewer: 'viewer', operator: 'operator', admin: 'admin' },
  words: {
    viewer: 'Sees everything, changes nothing',
    operator: 'Blocks, closes, allows and archives too',
    admin: 'Changes rules, lists, settings and accounts too',
  },
  whyNot: (own: string, needed: string) =>
    `You can look but not change: your role is ${own}, this needs ${needed}.`,
}

export const accounts = {
  title: 'Accounts',
  menu: (name: string) => `You: ${name}`,
  menuScreen: 'Account and sessions',
  since: (at: string) => `Signed in since ${at}`,
  reading: 'Asking who may sign in.',
  unavailable: 'Accounts cannot be shown now',

  you: {
    title: 'You',
    name: 'Name',
    role: 'Role',
    signedIn: 'Signed in',
    ends: 'Ends at the latest',
    proven: 'Proved who you are',
    password: 'Password',
    app: 'Authenticator app',
    isSet: 'Set',
    notSet: 'Not set: you come in by links that work once',
    codeOn: (left: number) =>
      `Asked at each sign-in; ${many(left, 'recovery code is', 'recovery codes are')} left`,
    codeOff: 'Not asked for',
    needsPassword: 'Set a password first: the code comes on top of it.',
    noAccount: (name: string) =>
      `${name} came in by a link and is no account of this page: there is no password to change. Give yourself an account below, then open a link for it.`,
    setPassword: 'Set a password',
    changePassword: 'Change password',
    setUp: 'Set up an app',
    setUpAgain: 'Set up another app',
    switchOff: 'Ask for no code',
  },

  password: {
    title: 'Your password',
    lede: 'At least 10 characters. Some words that nobody else puts together are easy to keep.',
    fresh: 'New password',
    again: 'The same again',
    differ: 'The two are not the same.',
    submit: 'Keep the password',
    signedOut: 'Whoever signed in with the old password has to sign in again, and so have you if you did.',
  },

  app: {
    title: 'Authenticator app',
    lede: 'Read this with the app on your phone, or type the secret into it. Nothing changes until you send back a code.',
    picture: 'QR code for the authenticator app',
    secret: 'Secret',
    code: 'Code that the app shows now',
    submit: 'Ask for codes from now on',
    offTitle: 'Ask for no code any more?',
    off: 'The password alone signs in then, and the recovery codes work no more.',
    offSubmit: 'Ask for no code',
  },

  once: {
    lede: 'This is shown this once. Gatehouse keeps no copy that could be read.',
    done: 'I have it',
    copyAll: 'Copy',
    copied: 'Copied.',
    recoveryTitle: 'Recovery codes',
    recovery:
      'Each of these works once in the place of a code, for the day the phone is gone. Keep them where the phone is not.',
    linkTitle: (name: string) => `A link for ${name}`,
    link: 'It works once, for some minutes, for whoever has it.',
    tokenTitle: (name: string) => `Token ${name}`,
    token: 'Send it as the header Authorization: Bearer …',
  },

  sessions: {
    title: 'Signed in',
    ledeOwn: 'Where you are signed in now.',
    ledeAll: 'Everybody who is signed in on this page now.',
    by: { link: 'link', password: 'password' },
    opened: (how: string) => `By ${how}, from`,
    signedIn: 'signed in',
    seen: 'seen',
    this: 'this one',
    signOut: 'Sign out',
    signOutOf: (name: string, from: string) => `Sign out ${name} from ${from}`,
    soon: 'An open page of whoever is signed out closes within ten seconds.',
  },

  others: {
    title: 'Accounts and tokens',
    why: 'Accounts of others and tokens are for the role admin.',
  },

  people: {
    title: 'Accounts',
    lede: 'Who may sign in here with a name of their own.',
    roleOf: (name: string) => `Role of ${name}`,
    has: (password: boolean, recoveryCodes: number | undefined) =>
      password
        ? `Password${recoveryCodes === undefined ? '' : ` and code (${many(recoveryCodes, 'recovery code', 'recovery codes')})`}.`
        : 'No password: links only.',
    since: 'Since',
    add: 'Add an account',
    link: 'One-time link',
    linkFor: (name: string) => `One-time link for ${name}`,
    more: (name: string) => `More for ${name}`,
    resetCode: 'Ask for no code (phone lost)',
    remove: 'Remove',
    removeTitle: (name: string) => `Remove ${name}?`,
    removeWords: (sessions: number) =>
      sessions === 0
        ? 'The password and the authenticator app go with the account, and there is no undo.'
        : `${many(sessions, 'open session ends', 'open sessions end')}; the password and the authenticator app go with the account, and there is no undo.`,
    empty: 'There is no account yet: people come in by links that work once.',
    form: {
      title: 'Add an account',
      lede: 'After that, give it a one-time link: whoever opens it sets the password.',
      name: 'Name',
      nameHelp: 'Small letters, digits, and . _ - after the first',
      role: 'Role',
      submit: 'Add the account',
    },
  },

  tokens: {
    title: 'Tokens',
    lede: 'For programs that ask the API, such as a collector of metrics.',
    since: 'since',
    until: 'until',
    scopes: {
      metrics: 'Metrics alone',
      viewer: 'As a viewer',
      operator: 'As an operator',
      admin: 'As an admin',
    },
    never: 'until it is revoked',
    over: 'its time is over',
    add: 'Make a token',
    revoke: 'Revoke',
    revokeOf: (name: string) => `Revoke ${name}`,
    revokeTitle: (name: string) => `Revoke ${name}?`,
    revokeWords:
      'Whatever program uses it is turned away from then on. There is no undo; a new token is quickly made.',
    empty: 'There are no tokens.',
    form: {
      title: 'Make a token',
      name: 'Name',
      nameHelp: 'Of the program that will use it',
      scope: 'It may ask',
      days: 'Good for',
      daysOf: (days: number) => (days === 0 ? 'until it is revoked' : `${n(days)} days`),
      submit: 'Make the token',
    },
  },
}
