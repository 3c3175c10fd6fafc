// Checks that bytes are a model as LightGBM writes it, because LightGBM's own reader trusts them.

/// What the text of a model says about itself, after all of it was checked.
///
/// LightGBM's reader and scorer follow sizes, child and feature numbers without looking whether they stay inside their arrays: cut-off text, one
/// changed digit in `tree_sizes`, `left_child` or `split_feature`, or `num_tree_per_iteration=0` end the process or loop for
/// ever. Here every such number is checked, so that what passes can neither leave its arrays nor run in circles (a child always has a
/// higher number than its parent). Changed bytes that leave a well-formed model behind pass: only the digest can tell.
///
/// Taken are models of versions v3 and v4 with one score for a row. Not taken: several classes, linear trees, models without trees.
struct ModelText {
    private(set) var features = 0
    private(set) var trees = 0

    /// LightGBM's own upper limit.
    private static let leavesLimit = 131_072

    init(_ bytes: [UInt8]) throws(LightGBMError) {
        for byte in bytes where byte < 0x20 && byte != UInt8(ascii: "\n") && byte != UInt8(ascii: "\t") {
            throw Self.refusal("it has a control character")
        }
        var reader = LineReader(bytes)
        let sizes = try readHeader(&reader)
        for (number, size) in sizes.enumerated() {
            let (end, overflow) = reader.position.addingReportingOverflow(size)
            guard !overflow, end <= bytes.count else { throw Self.refusal("it ends within tree \(number)") }
            guard reader.next()?.elementsEqual("Tree=\(number)".utf8) == true else { throw Self.refusal("tree \(number) is not where tree_sizes says") }
            try Tree(number, fields: Self.fields(&reader, end: end, of: "tree \(number)")).check(features: features)
            guard reader.position == end else { throw Self.refusal("tree \(number) has not the length that tree_sizes says") }
        }
        trees = sizes.count
        try readRest(&reader)
    }

    private mutating func readHeader(_ reader: inout LineReader) throws(LightGBMError) -> [Int] {
        guard reader.next()?.elementsEqual("tree".utf8) == true else { throw Self.refusal("its first line is not “tree”") }
        let header = try Self.fields(&reader, end: nil, of: "the header")
        guard let version = header["version"], ["v3", "v4"].contains(version.text) else { throw Self.refusal("it has not version v3 or v4") }
        guard header["num_class"]?.text == "1", header["num_tree_per_iteration"]?.text == "1" else {
            throw Self.refusal("it does not say num_class=1 and num_tree_per_iteration=1, and only one score for a row can be served")
        }
        guard header["label_index"]?.integer != nil else { throw Self.refusal("label_index is missing") }
        guard let last = header["max_feature_idx"]?.integer, (0..<1_000_000).contains(last) else {
            throw Self.refusal("max_feature_idx is missing or out of range")
        }
        features = last + 1
        for name in ["feature_names", "feature_infos"] {
            guard header[name]?.words.count == features else { throw Self.refusal("\(name) has not \(features) entries") }
        }
        // LightGBM writes no objective for a model trained with a function of the user's own.
        if let objective = header["objective"], objective.words.isEmpty { throw Self.refusal("its objective is empty") }
        guard let sizes = header["tree_sizes"]?.integers, !sizes.isEmpty, sizes.allSatisfy({ $0 > 0 }) else {
            throw Self.refusal("tree_sizes is missing, empty or not made of positive numbers")
        }
        return sizes
    }

    private func readRest(_ reader: inout LineReader) throws(LightGBMError) {
        guard reader.next()?.elementsEqual("end of trees".utf8) == true else { throw Self.refusal("“end of trees” is not where it should be") }
        while let line = reader.next() {
            if line.elementsEqual("[linear_tree: 1]".utf8) { throw Self.refusal("its trees are linear ones") }
            if line.elementsEqual("end of parameters".utf8) { return }
        }
        throw Self.refusal("it ends before “end of parameters”")
    }

    /// Lines `name=value` up to an empty one, and the empty ones that follow; none twice.
    private static func fields(_ reader: inout LineReader, end: Int?, of place: String) throws(LightGBMError) -> [String: Field] {
        var fields: [String: Field] = [:]
        while let line = reader.next(), !line.isEmpty {
            // A flag such as average_output stands alone.
            let equals = line.firstIndex(of: UInt8(ascii: "=")) ?? line.endIndex
            if equals == line.endIndex, end != nil { throw refusal("\(place) has a line without “=”") }
            let name = String(decoding: line[..<equals], as: UTF8.self)
            guard fields.updateValue(Field(bytes: line[equals...].dropFirst()), forKey: name) == nil else { throw refusal("\(place) has \(name) twice") }
            // LightGBM stops reading a tree after 22 lines.
            guard fields.count <= 22 else { throw refusal("\(place) has too many lines") }
        }
        reader.skipEmptyLines(before: end)
        return fields
    }

    fileprivate static func refusal(_ reason: String) -> LightGBMError {
        LightGBMError(
            .model, "this is not a LightGBM model that can be served: \(reason); save the model with save_model of LightGBM 4 and register that file")
    }

    /// The fields of one tree, as far as scoring follows them.
    private struct Tree {
        let number: Int
        let fields: [String: Field]

        init(_ number: Int, fields: [String: Field]) {
            self.number = number
            self.fields = fields
        }

        func check(features: Int) throws(LightGBMError) {
            guard let leaves = fields["num_leaves"]?.integer, (1...leavesLimit).contains(leaves) else { throw refusal("num_leaves") }
            guard let categories = fields["num_cat"]?.integer, (0..<leaves).contains(categories) else { throw refusal("num_cat") }
            guard fields["is_linear"].map({ $0.text == "0" }) ?? true else { throw refusal("is_linear") }
            guard try numbers("leaf_value", leaves).allSatisfy(\.isFinite) else { throw refusal("leaf_value") }
            if let shrinkage = fields["shrinkage"], shrinkage.numbers?.count != 1 { throw refusal("shrinkage") }
            for (name, count) in [("leaf_count", leaves), ("leaf_weight", leaves)] { try checkOptional(name, count) }
            guard leaves > 1 else { return }
            for name in ["split_gain", "internal_value", "internal_weight", "internal_count"] { try checkOptional(name, leaves - 1) }
            guard try integers("split_feature", leaves - 1).allSatisfy({ (0..<features).contains($0) }) else { throw refusal("split_feature") }
            for name in ["left_child", "right_child"] {
                for (node, child) in try integers(name, leaves - 1).enumerated() {
                    // A negative number is a leaf's, complemented.
                    guard child < 0 ? ~child < leaves : child > node && child < leaves - 1 else { throw refusal(name) }
                }
            }
            try checkDecisions(leaves: leaves, categories: categories)
        }

        private func checkDecisions(leaves: Int, categories: Int) throws(LightGBMError) {
            let thresholds = try numbers("threshold", leaves - 1)
            for (decision, threshold) in zip(try integers("decision_type", leaves - 1), thresholds) {
                guard (0..<16).contains(decision), !threshold.isNaN else { throw refusal("decision_type or threshold") }
                if decision & 1 == 1 {
                    guard let set = Int(exactly: threshold), (0..<categories).contains(set) else { throw refusal("threshold") }
                }
            }
            guard categories > 0 else { return }
            let boundaries = try integers("cat_boundaries", categories + 1)
            guard boundaries.first == 0, zip(boundaries, boundaries.dropFirst()).allSatisfy({ $0 <= $1 }) else { throw refusal("cat_boundaries") }
            guard let words = boundaries.last, try integers("cat_threshold", words).allSatisfy({ UInt32(exactly: $0) != nil }) else {
                throw refusal("cat_threshold")
            }
        }

        /// Values that scoring does not use and that LightGBM leaves empty in trees of one leaf.
        private func checkOptional(_ name: String, _ count: Int) throws(LightGBMError) {
            guard let field = fields[name], !field.bytes.isEmpty else { return }
            guard field.numbers?.count == count else { throw refusal(name) }
        }

        private func integers(_ name: String, _ count: Int) throws(LightGBMError) -> [Int] {
            guard let values = fields[name]?.integers, values.count == count else { throw refusal(name) }
            return values
        }

        private func numbers(_ name: String, _ count: Int) throws(LightGBMError) -> [Double] {
            guard let values = fields[name]?.numbers, values.count == count else { throw refusal(name) }
            return values
        }

        private func refusal(_ field: String) -> LightGBMError { ModelText.refusal("tree \(number) has a missing or impossible \(field)") }
    }
}

/// The value of one line, as bytes until somebody asks for more.
private struct Field {
    let bytes: ArraySlice<UInt8>

    var text: String { String(decoding: bytes, as: UTF8.self) }
    var words: [ArraySlice<UInt8>] { bytes.split(separator: UInt8(ascii: " ")) }
    var integer: Int? { Self.integer(bytes) }

    /// `nil` unless all words are whole numbers of at most ten digits, the only spelling that LightGBM and we read alike.
    var integers: [Int]? { all(Self.integer) }
    var numbers: [Double]? { all { Double(String(decoding: $0, as: UTF8.self)) } }

    private func all<Value>(_ read: (ArraySlice<UInt8>) -> Value?) -> [Value]? {
        var values: [Value] = []
        for word in words {
            guard let value = read(word) else { return nil }
            values.append(value)
        }
        return values
    }

    private static func integer(_ word: ArraySlice<UInt8>) -> Int? {
        let digits = word.first == UInt8(ascii: "-") ? word.dropFirst() : word
        guard (1...10).contains(digits.count), digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        let value = digits.reduce(0) { $0 * 10 + Int($1 &- UInt8(ascii: "0")) }
        return digits.count == word.count ? value : -value
    }
}

private struct LineReader {
    let bytes: [UInt8]
    private(set) var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// The next line that ends with a line feed; `nil` when none does.
    mutating func next() -> ArraySlice<UInt8>? {
        guard let end = bytes[position...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        defer { position = end + 1 }
        return bytes[position..<end]
    }

    mutating func skipEmptyLines(before end: Int?) {
        while position < min(end ?? bytes.count, bytes.count), bytes[position] == UInt8(ascii: "\n") { position += 1 }
    }
}
