import { Body, Controller, Get, Param, Post, StreamableFile } from '@nestjs/common';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { Database } from './database.mjs';
import { provider, route } from './decorate.mjs';

const piece = Buffer.alloc(64 * 1024, 'nestjs-drain ');

/**
 * What is quick, what is slow, what is uploaded and what is downloaded. The database is asked at the end of each, and
 * for each piece of a download.
 */
export class FilesController {
  constructor(database) {
    this.database = database;
  }

  quick(id) {
    return this.database.query({ id });
  }

  slow() {
    return this.database.query({ report: 'whole' }, 300);
  }

  async upload(body) {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of body) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    return this.database.query({ bytes, sum: hash.digest('hex') });
  }

  download(pieces, ms) {
    const content = Readable.from(this.#pieces(Number(pieces), Number(ms)), { objectMode: false });
    return new StreamableFile(content, { length: Number(pieces) * piece.length });
  }

  async *#pieces(pieces, ms) {
    for (let sent = 0; sent < pieces; sent++) yield await this.database.query(piece, ms);
  }
}

provider(FilesController, [Database], Controller());
route(FilesController, 'quick', [Get('quick/:id')], [Param('id')]);
route(FilesController, 'slow', [Get('slow')]);
route(FilesController, 'upload', [Post('upload')], [Body()]);
route(FilesController, 'download', [Get('download/:pieces/:ms')], [Param('pieces'), Param('ms')]);
