import { CACHE_MANAGER, CacheInterceptor, CacheKey, CacheModule, CacheTTL } from '@nestjs/cache-manager';
import { Controller, Delete, Get, Inject, UseInterceptors } from '@nestjs/common';
import { type Cache } from 'cache-manager';
import { assemble, type MakeApplication } from '../application.js';

let calls = 0;

@Controller()
class CachedController {
  constructor(@Inject(CACHE_MANAGER) private readonly cache: Cache) {}

  @Get('cached')
  @UseInterceptors(CacheInterceptor)
  cached() {
    return { calls: ++calls };
  }

  @Get('named')
  @UseInterceptors(CacheInterceptor)
  @CacheKey('named')
  @CacheTTL(60_000)
  named() {
    return { calls: ++calls };
  }

  @Get('stored')
  async stored() {
    return { named: (await this.cache.get('named')) ?? null };
  }

  @Delete('stored')
  async clear() {
    return { cleared: await this.cache.clear() };
  }
}

export const make: MakeApplication = (variant) =>
  assemble(variant, { imports: [CacheModule.register({ ttl: 60_000 })], controllers: [CachedController] });
