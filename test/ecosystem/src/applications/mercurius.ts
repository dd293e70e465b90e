import { GraphQLModule } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { assemble, type MakeApplication } from '../application.js';
import { OrdersModule } from '../graphql.js';

export const make: MakeApplication = (variant) =>
  assemble(variant, {
    imports: [
      GraphQLModule.forRoot<MercuriusDriverConfig>({ driver: MercuriusDriver, autoSchemaFile: true, graphiql: true }),
      OrdersModule,
    ],
  });
