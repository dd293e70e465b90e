import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { GraphQLModule } from '@nestjs/graphql';
import { assemble, type MakeApplication } from '../application.js';
import { OrdersModule } from '../graphql.js';

export const make: MakeApplication = (variant) =>
  assemble(variant, {
    imports: [
      GraphQLModule.forRoot<ApolloDriverConfig>({
        driver: ApolloDriver,
        autoSchemaFile: true,
        includeStacktraceInErrorResponses: false,
        playground: false,
      }),
      OrdersModule,
    ],
  });
