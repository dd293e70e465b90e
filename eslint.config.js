import js from '@eslint/js';
import prettier from 'eslint-config-prettier';
import globals from 'globals';
import tseslint from 'typescript-eslint';

export default tseslint.config(
  {
    ignores: [
      '**/dist/**',
      '**/node_modules/**',
      'coverage/**',
      '.cache/**',
      'docs/api/**',
      'temp/**',
      'test/consumers/**',
      'test/ecosystem/**',
    ],
  },
  {
    files: ['**/*.ts', '**/*.cts'],
    ignores: ['sample/**'],
    extends: [...tseslint.configs.recommendedTypeChecked],
    languageOptions: { parserOptions: { project: './tsconfig.check.json', tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'inline-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/require-await': 'off',
      eqeqeq: 'error',
      'no-restricted-globals': 'off',
    },
  },
  {
    files: ['src/**/*.ts'],
    rules: {
      'no-restricted-globals': [
        'error',
        { name: 'setTimeout', message: 'Time goes through the clock (src/sequence/clock.ts).' },
        { name: 'setInterval', message: 'Time goes through the clock, and idle is an event.' },
        {
          name: 'setImmediate',
          message: 'Fake timers must not stop a shutdown: import it from src/sequence/timers.ts.',
        },
      ],
    },
  },
  { files: ['src/sequence/clock.ts'], rules: { 'no-restricted-globals': 'off' } },
  {
    files: ['{,packages/*/}test/**/*.ts', 'bench/**/*.ts'],
    rules: {
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-call': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/unbound-method': 'off',
    },
  },
  {
    files: ['**/*.js', '**/*.mjs', '**/*.cjs'],
    extends: [js.configs.recommended],
    languageOptions: { globals: globals.node },
    rules: {
      'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: 'error',
    },
  },
  {
    files: ['packages/tools/src/drill/report/page/**/*.js'],
    languageOptions: { sourceType: 'script', globals: { ...globals.browser, uPlot: 'readonly' } },
    // They share their names with each other: TypeScript tells in a test what is missing.
    rules: { 'no-undef': 'off', 'no-unused-vars': ['error', { vars: 'local', args: 'after-used' }] },
  },
  { files: ['sample/*/public/**/*.js'], languageOptions: { globals: { ...globals.browser, io: 'readonly' } } },
  prettier,
);
