import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import { ApiProperty, ApiResponse, ApiTags, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { assemble, type MakeApplication } from '../application.js';

class Order {
  @ApiProperty({ example: 1 })
  id!: number;

  @ApiProperty({ enum: ['new', 'paid'] })
  state!: string;
}

@ApiTags('orders')
@Controller('orders')
class OrdersController {
  @Get(':id')
  @ApiResponse({ status: 200, type: Order })
  find(@Param('id') id: string): Order {
    return { id: Number(id), state: 'new' };
  }

  @Post()
  create(@Body() order: Order): Order {
    return order;
  }
}

export const make: MakeApplication = async (variant) => {
  const app = await assemble(variant, { controllers: [OrdersController] });
  const config = new DocumentBuilder().setTitle('Orders').setVersion('1').addBearerAuth().build();
  SwaggerModule.setup('docs', app, () => SwaggerModule.createDocument(app, config), { yamlDocumentUrl: 'docs.yaml' });
  return app;
};
