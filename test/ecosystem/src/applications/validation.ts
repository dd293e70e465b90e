import { Body, Controller, Get, Post, Query, SerializeOptions, UseInterceptors, ValidationPipe } from '@nestjs/common';
import { ClassSerializerInterceptor } from '@nestjs/common';
import { Exclude, Expose, Type } from 'class-transformer';
import { IsEmail, IsInt, Min, ValidateNested } from 'class-validator';
import { assemble, type MakeApplication } from '../application.js';

class Address {
  @IsInt()
  zip!: number;
}

class User {
  @IsEmail()
  email!: string;

  @ValidateNested()
  @Type(() => Address)
  address!: Address;
}

class Page {
  @IsInt()
  @Min(1)
  @Type(() => Number)
  page!: number;
}

class Shown {
  @Expose()
  email = 'a@example.test';

  @Exclude()
  password = 'secret';
}

@Controller('users')
class UsersController {
  @Post()
  create(@Body() user: User) {
    return { user, isUser: user instanceof User };
  }

  @Get()
  list(@Query() page: Page) {
    return { page, isPage: page instanceof Page };
  }

  @Get('shown')
  @UseInterceptors(ClassSerializerInterceptor)
  @SerializeOptions({ type: Shown })
  shown() {
    return new Shown();
  }
}

export const make: MakeApplication = async (variant) => {
  const app = await assemble(variant, { controllers: [UsersController] });
  app.useGlobalPipes(new ValidationPipe({ whitelist: true, transform: true, forbidNonWhitelisted: true }));
  app.setGlobalPrefix('v1', { exclude: ['held'] });
  return app;
};
