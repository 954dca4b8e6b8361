import { BOUNDARY, FORM_END, jsonOf, lines, partHead, plainHeaders, quoted, type SampleRequest } from '../request.ts'

export function renderObjectivec(request: SampleRequest): string {
  const headers: [string, string][] = [
    ...(request.parts ? [['Content-Type', `multipart/form-data; boundary=${BOUNDARY}`] as [string, string]] : []),
    ...plainHeaders(request),
  ]
  return lines(
    '#import <Foundation/Foundation.h>',
    '',
    request.streams ? READER : undefined,
    'int main(void) {',
    '    @autoreleasepool {',
    `        NSMutableURLRequest *request = [NSMutableURLRequest requestWithURL:[NSURL URLWithString:@${quoted(request.url)}]];`,
    `        request.HTTPMethod = @${quoted(request.method)};`,
    '        request.timeoutInterval = 600;',
    request.key && [
      `        NSString *key = NSProcessInfo.processInfo.environment[@"${request.key}"];`,
      '        [request setValue:[@"Bearer " stringByAppendingString:key] forHTTPHeaderField:@"Authorization"];',
    ],
    headers.map(([name, value]) => `        [request setValue:@${quoted(value)} forHTTPHeaderField:@${quoted(name)}];`),
    request.body !== undefined && ['        NSString *body =', `${literal(jsonOf(request))};`, '        request.HTTPBody = [body dataUsingEncoding:NSUTF8StringEncoding];'],
    formLines(request).map((line) => `        ${line}`),
    '',
    '        dispatch_semaphore_t done = dispatch_semaphore_create(0);',
    answerLines(request).map((line) => `        ${line}`),
    '        dispatch_semaphore_wait(done, DISPATCH_TIME_FOREVER);',
    '    }',
    '    return 0;',
    '}',
  )
}

const READER = `@interface Reader : NSObject <NSURLSessionDataDelegate>
@property(nonatomic) dispatch_semaphore_t done;
@end

@implementation Reader
- (void)URLSession:(NSURLSession *)session dataTask:(NSURLSessionDataTask *)task didReceiveData:(NSData *)data {
    fwrite(data.bytes, 1, data.length, stdout);
    fflush(stdout);
}
- (void)URLSession:(NSURLSession *)session task:(NSURLSessionTask *)task didCompleteWithError:(NSError *)error {
    if (error) NSLog(@"%@", error);
    dispatch_semaphore_signal(self.done);
}
@end
`

function formLines({ parts }: SampleRequest): string[] {
  if (!parts) return []
  const append = (text: string) => `[form appendData:[@${quoted(text)} dataUsingEncoding:NSUTF8StringEncoding]];`
  const each = parts.flatMap((part) =>
    part.file
      ? [append(partHead(part)), `[form appendData:[NSData dataWithContentsOfFile:@${quoted(part.file.name)}]];`, append('\r\n')]
      : [append(`${partHead(part)}${part.value}\r\n`)],
  )
  return ['NSMutableData *form = [NSMutableData data];', ...each, append(FORM_END), 'request.HTTPBody = form;']
}

function answerLines(request: SampleRequest): string[] {
  if (request.streams)
    return [
      'Reader *reader = [Reader new];',
      'reader.done = done;',
      'NSURLSession *session = [NSURLSession sessionWithConfiguration:NSURLSessionConfiguration.defaultSessionConfiguration delegate:reader delegateQueue:nil];',
      '[[session dataTaskWithRequest:request] resume];',
    ]
  const use = request.saveAs
    ? `[data writeToFile:@${quoted(request.saveAs)} atomically:YES];`
    : 'printf("%s\\n", [[NSString alloc] initWithData:data encoding:NSUTF8StringEncoding].UTF8String);'
  return [
    '[[NSURLSession.sharedSession dataTaskWithRequest:request completionHandler:^(NSData *data, NSURLResponse *response, NSError *error) {',
    '    if (error) NSLog(@"%@", error);',
    `    else ${use}`,
    '    dispatch_semaphore_signal(done);',
    '}] resume];',
  ]
}

function literal(text: string): string {
  return text
    .split(/(?<=\n)/)
    .map((line, index) => `            ${index ? '' : '@'}${quoted(line)}`)
    .join('\n')
}
