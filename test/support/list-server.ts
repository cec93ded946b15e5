import { createServer } from 'node:http'

/** Serves the text of its argument as a list under every path, with an ETag; says `listening PORT`. */
const list = process.argv[2] ?? ''
const server = createServer((request, response) => {
  if (request.headers['if-none-match'] === '"1"') response.writeHead(304).end()
  else response.writeHead(200, { 'content-type': 'text/plain', etag: '"1"' }).end(list)
})
server.listen(0, '0.0.0.0', () => {
  const address = server.address()
  if (address !== null && typeof address === 'object') process.stdout.write(`listening ${address.port}\n`)
})
