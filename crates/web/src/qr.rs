//! QR codes (ISO/IEC 18004): bytes as a picture for paper and screens, or as text for a terminal.

use std::fmt::Write as _;

use qrcode::bits::Bits;
use qrcode::{Color, EcLevel, QrCode, Version};

/// The most bytes that one code holds: version 40 at level L.
pub const MAX_QR_BYTES: usize = 2953;

/// Modules of white around a code, as the standard asks.
const QUIET_MODULES: usize = 4;
/// The largest version.
const MAX_VERSION: i16 = 40;
/// How much of a code may be damaged: 15 % where the bytes fit so, else 7 %.
const LEVELS: [EcLevel; 2] = [EcLevel::M, EcLevel::L];

/// A code that holds exactly the bytes it was made of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qr {
    /// Modules on a side, the white around them included.
    width: usize,
    /// Row after row.
    dark: Vec<bool>,
}

impl Qr {
    /// The smallest code that holds these bytes; none when they are more than [`MAX_QR_BYTES`].
    pub fn of(bytes: &[u8]) -> Option<Self> {
        LEVELS.into_iter().find_map(|level| at_level(bytes, level)).map(|code| Self::framed(&code))
    }

    fn framed(code: &QrCode) -> Self {
        let (inner, width) = (code.width(), code.width() + 2 * QUIET_MODULES);
        let colors = code.to_colors();
        let color = |x: usize, y: usize| {
            let (x, y) = (x.checked_sub(QUIET_MODULES)?, y.checked_sub(QUIET_MODULES)?);
            if x < inner { colors.get(y * inner + x) } else { None }
        };
        let places = (0..width).flat_map(|y| (0..width).map(move |x| (x, y)));
        let dark = places.map(|(x, y)| color(x, y) == Some(&Color::Dark)).collect();
        Self { width, dark }
    }

    /// Modules on a side, the white around them included: the width of a `viewBox` for [`Self::path`].
    pub const fn width(&self) -> usize {
        self.width
    }

    /// Whether a module is dark; what lies outside is not.
    pub fn is_dark(&self, x: usize, y: usize) -> bool {
        x < self.width && self.dark.get(y * self.width + x).copied().unwrap_or_default()
    }

    /// The dark modules as the `d` of an SVG path to be stroked one module wide.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for y in 0..self.width {
            let mut x = 0;
            while x < self.width {
                let run = (x..self.width).take_while(|&x| self.is_dark(x, y)).count();
                if run > 0 {
                    // Writing to a String never fails.
                    let _ = write!(path, "M{x} {y}.5h{run}");
                }
                x += run + 1;
            }
        }
        path
    }

    /// Lines for a terminal, two rows of modules each, black on white whatever the terminal's colours.
    pub fn terminal(&self) -> String {
        let mut text = String::new();
        for y in (0..self.width).step_by(2) {
            text.push_str("\x1b[30;107m");
            for x in 0..self.width {
                text.push(match (self.is_dark(x, y), self.is_dark(x, y + 1)) {
                    (true, true) => '█',
                    (true, false) => '▀',
                    (false, true) => '▄',
                    (false, false) => ' ',
                });
            }
            text.push_str("\x1b[0m\n");
        }
        text
    }
}

/// In byte mode alone: what looks like another encoding's text must come back as these bytes.
fn at_level(bytes: &[u8], level: EcLevel) -> Option<QrCode> {
    (1..=MAX_VERSION).find_map(|version| {
        let mut bits = Bits::new(Version::Normal(version));
        bits.push_byte_data(bytes).ok()?;
        bits.push_terminator(level).ok()?;
        QrCode::with_bits(bits, level).ok()
    })
}

#[cfg(test)]
mod tests {
    use disclosure::checkpoint::Checkpoint;
    use disclosure::cosignature::Cosigner;
    use disclosure::key::SigningKey;
    use disclosure::merkle::Hash;
    use disclosure::note::{KeyName, SignedNote};
    use disclosure::proof::TlogProof;

    use super::*;

    /// What a reader of the picture, every module three pixels wide, makes of it.
    fn read(qr: &Qr) -> Vec<u8> {
        const PIXELS: usize = 3;
        let side = qr.width() * PIXELS;
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, |x, y| {
            if qr.is_dark(x / PIXELS, y / PIXELS) { 0 } else { 255 }
        });
        let grids = image.detect_grids();
        assert_eq!(grids.len(), 1);
        let mut bytes = Vec::new();
        grids[0].decode_to(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn every_length_comes_back_byte_for_byte() {
        // With the dash of a signature line, which other encodings read as one of their own letters.
        let text = "— demo.mingqu.example/log+AZ09 公示\n".as_bytes();
        for length in [0, 1, 300, 2331, 2332, MAX_QR_BYTES] {
            let bytes: Vec<u8> = text.iter().copied().cycle().take(length).collect();
            assert_eq!(read(&Qr::of(&bytes).unwrap()), bytes, "{length} bytes");
        }
    }

    /// A receipt of a log with so many entries, cosigned by so many witnesses.
    fn receipt(size: u64, witnesses: u8) -> Vec<u8> {
        let levels = usize::try_from(size.next_power_of_two().ilog2()).unwrap();
        let log = SigningKey::from_bytes(&[1; 32]);
        let checkpoint = Checkpoint::new("water.qinghe.example/log", size, Hash([7; 32]));
        let mut note = SignedNote::parse(&checkpoint.sign(&log).unwrap()).unwrap();
        for seed in 1..=witnesses {
            let name = KeyName::new(format!("witness-{seed}.county.example")).unwrap();
            let witness = Cosigner::new(name, SigningKey::from_bytes(&[seed; 32]));
            note.signatures.push(witness.cosign(&note.text, 1_800_000_000));
        }
        TlogProof::new(size - 1, vec![Hash([9; 32]); levels], note.to_bytes()).to_bytes()
    }

    #[test]
    fn receipts_of_large_logs_fit_one_code() {
        // As docs/formats/log.md tells: entries, witnesses, bytes, modules on a side without the white around them.
        let told = [
            (1_000, 0, 682, 101),
            (1_000, 2, 950, 117),
            (1_000_000, 0, 1138, 129),
            (1_000_000, 2, 1406, 141),
            (1_000_000, 12, 2749, 173),
        ];
        let measured = told.map(|(size, witnesses, _, _)| {
            let receipt = receipt(size, witnesses);
            let qr = Qr::of(&receipt).unwrap();
            assert_eq!(read(&qr), receipt);
            (size, witnesses, receipt.len(), qr.width() - 2 * QUIET_MODULES)
        });
        assert_eq!(measured, told);
        assert_eq!(Qr::of(&receipt(1_000_000, 20)), None, "it is not cut off, there is none");
    }

    #[test]
    fn rejects_more_than_one_code_holds() {
        assert_eq!(Qr::of(&[b'x'; MAX_QR_BYTES + 1]), None);
    }

    #[test]
    fn the_path_and_the_terminal_show_the_same_modules() {
        let qr = Qr::of(b"http://localhost/enrol#0123").unwrap();
        let dark = (0..qr.width() * qr.width()).filter(|&at| qr.dark[at]).count();
        let runs = qr.path();
        let lengths = runs.split('h').skip(1).map(|run| run.split('M').next().unwrap());
        assert_eq!(lengths.map(|run| run.parse::<usize>().unwrap()).sum::<usize>(), dark);
        let terminal = qr.terminal();
        let halves = terminal.chars().map(|c| match c {
            '█' => 2,
            '▀' | '▄' => 1,
            _ => 0,
        });
        assert_eq!(halves.sum::<usize>(), dark);
        assert_eq!(terminal.lines().count(), qr.width().div_ceil(2));
    }
}
