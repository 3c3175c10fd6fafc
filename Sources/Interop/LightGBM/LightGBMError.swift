// What can go wrong between us and LightGBM's C library.

package struct LightGBMError: Error, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private enum Value: Hashable { case library, model, failed }
        private var value: Value
        /// The library does not load, or is one that we refuse.
        package static let library = Code(value: .library)
        /// The model text is not one that LightGBM could have written, or is of a kind that we do not score.
        package static let model = Code(value: .model)
        package static let failed = Code(value: .failed)
    }

    package var code: Code
    package var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
