import { bootstrap } from '../bootstrap.js';
import { AppModule } from './app.module.js';

await bootstrap(AppModule);
