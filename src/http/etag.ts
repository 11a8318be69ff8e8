import { createHash } from 'node:crypto';
import type { FastifyInstance } from 'fastify';

/**
 * Adds a weak ETag to every GET of this scope that succeeds, and answers 304 without a body to a caller whose
 * If-None-Match has it. It saves the transfer and the caller's work, not ours: the answer is made in any case.
 *
 * Answers are not to be stored (`no-store`), so a browser does not do this by itself: the caller keeps the answer with its
 * ETag, and sends the header.
 */
export function answerUnchanged(scope: FastifyInstance): void {
  scope.addHook('onSend', async (request, reply, payload) => {
    if (request.method !== 'GET' || reply.statusCode !== 200 || typeof payload !== 'string') return payload;
    const tag = `W/"${createHash('sha256').update(payload).digest('base64url').slice(0, 22)}"`;
    reply.header('etag', tag);
    const known = request.headers['if-none-match']?.split(',').map((one) => one.trim()) ?? [];
    if (!known.includes(tag) && !known.includes(tag.slice(2))) return payload;
    reply.code(304);
    // Not an empty text, which gets a length that is not that of the answer.
    return null;
  });
}
