// What can go wrong when a signal is computed. A bad value is no error: it is measured and bad.

package struct SignalsError: Error, Hashable, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private enum Value: Hashable { case errored }
        private var value: Value
        /// It could not be measured, which is neither good nor bad.
        package static let errored = Code(value: .errored)
    }

    package var code: Code
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
