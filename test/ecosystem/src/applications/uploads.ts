import { createHash } from 'node:crypto';
import {
  Controller,
  MaxFileSizeValidator,
  ParseFilePipe,
  Post,
  Req,
  UploadedFile,
  UploadedFiles,
  UseInterceptors,
} from '@nestjs/common';
import { AnyFilesInterceptor, FileInterceptor } from '@nestjs/platform-express';
import multipart from '@fastify/multipart';
import { assemble, type MakeApplication } from '../application.js';

const digest = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex');
const summary = ({ fieldname, originalname, mimetype, buffer }: Express.Multer.File) => ({
  ...{ fieldname, originalname, mimetype },
  digest: digest(buffer),
});

/** With multer, as the Express platform has it. */
@Controller('uploads')
class MulterController {
  @Post()
  @UseInterceptors(FileInterceptor('file', { limits: { fileSize: 50_000 } }))
  one(
    @UploadedFile(new ParseFilePipe({ validators: [new MaxFileSizeValidator({ maxSize: 20_000 })] }))
    file: Express.Multer.File,
  ) {
    return summary(file);
  }

  @Post('any')
  @UseInterceptors(AnyFilesInterceptor())
  any(@UploadedFiles() files: Express.Multer.File[]) {
    return files.map(summary);
  }
}

interface MultipartRequest {
  file(): Promise<{ fieldname: string; filename: string; mimetype: string; toBuffer(): Promise<Buffer> } | undefined>;
  parts(): AsyncIterable<{ type: string; fieldname: string; value?: unknown; toBuffer?(): Promise<Buffer> }>;
}

/** With Fastify's own plugin. */
@Controller('uploads')
class MultipartController {
  @Post()
  async one(@Req() request: MultipartRequest) {
    const file = await request.file();
    if (!file) return null;
    return { name: file.filename, type: file.mimetype, digest: digest(await file.toBuffer()) };
  }

  @Post('any')
  async any(@Req() request: MultipartRequest) {
    const parts: object[] = [];
    for await (const part of request.parts()) {
      const content = part.toBuffer ? digest(await part.toBuffer()) : part.value;
      parts.push({ type: part.type, field: part.fieldname, content });
    }
    return parts;
  }
}

export const make: MakeApplication = async (variant) => {
  const isFastify = variant.adapter === 'fastify';
  const app = await assemble(variant, { controllers: [isFastify ? MultipartController : MulterController] });
  if (isFastify) await app.register(multipart as never, { limits: { fileSize: 50_000 } } as never);
  return app;
};
