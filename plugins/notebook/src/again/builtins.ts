/** Python's own, which no cell defines. */
export const builtins: ReadonlySet<string> = new Set(('abs aiter all anext any ascii bin bool breakpoint bytearray bytes callable chr classmethod compile complex copyright credits delattr dict dir display divmod ' +
  'enumerate exit filter float format frozenset getattr hasattr hash help hex id input int isinstance issubclass iter len license list map max memoryview min next object oct open ord pow print property quit range ' +
  'repr reversed round set setattr slice sorted staticmethod str sum super tuple type vars zip __name__ __doc__ __file__ In Out _ __ ___ True False None NotImplemented Ellipsis ' +
  'ArithmeticError AssertionError AttributeError BaseException BaseExceptionGroup BlockingIOError BrokenPipeError BufferError BytesWarning ChildProcessError ConnectionAbortedError ConnectionError ConnectionRefusedError ' +
  'ConnectionResetError DeprecationWarning EOFError EnvironmentError Exception ExceptionGroup FileExistsError FileNotFoundError FloatingPointError FutureWarning GeneratorExit IOError ImportError ImportWarning IndentationError ' +
  'IndexError InterruptedError IsADirectoryError KeyError KeyboardInterrupt LookupError MemoryError ModuleNotFoundError NameError NotADirectoryError NotImplementedError OSError OverflowError PendingDeprecationWarning ' +
  'PermissionError ProcessLookupError RecursionError ReferenceError ResourceWarning RuntimeError RuntimeWarning StopAsyncIteration StopIteration SyntaxError SyntaxWarning SystemError SystemExit TabError TimeoutError ' +
  'TypeError UnboundLocalError UnicodeDecodeError UnicodeEncodeError UnicodeError UnicodeTranslateError UnicodeWarning UserWarning ValueError Warning ZeroDivisionError').split(' '))

/** Functions that leave alone what they are given. */
export const readers = new Set(['print', 'display', 'len', 'help', 'isinstance', 'issubclass', 'type', 'repr', 'str', 'id', 'hash', 'callable', 'hasattr', 'format', 'bool', 'int', 'float', 'abs', 'round', 'dir', 'input'])
