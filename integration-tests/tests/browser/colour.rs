//! Colours of CSS as a browser computes them, and how well one is seen upon another.

/// Red, green and blue from 0 to 255, and how much of it there is, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Colour([f64; 3], f64);

impl Colour {
    /// `rgb(1, 2, 3)` or `rgba(1, 2, 3, 0.5)`; `none` is seen through.
    pub(crate) fn of(css: &str) -> Self {
        if css == "none" {
            return Self([0.0; 3], 0.0);
        }
        let numbers =
            css.trim_start_matches("rgba(").trim_start_matches("rgb(").trim_end_matches(')');
        let numbers: Vec<f64> = numbers.split(',').filter_map(|n| n.trim().parse().ok()).collect();
        match numbers[..] {
            [red, green, blue] => Self([red, green, blue], 1.0),
            [red, green, blue, alpha] => Self([red, green, blue], alpha),
            _ => panic!("no colour that is known here: {css}"),
        }
    }

    /// What is seen where this, as thin as that, lies upon another.
    pub(crate) fn upon(self, opacity: f64, other: Self) -> Self {
        let own = self.1 * opacity;
        let mixed = std::array::from_fn(|i| self.0[i] * own + other.0[i] * (1.0 - own));
        Self(mixed, 1.0)
    }

    /// From 0, black, to 1, white: as WCAG 2 defines it.
    pub(crate) fn luminance(self) -> f64 {
        let linear = |part: f64| match part / 255.0 {
            low @ ..=0.04045 => low / 12.92,
            high => ((high + 0.055) / 1.055).powf(2.4),
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// From 1, the same, to 21, black on white: as WCAG 2 defines it.
    pub(crate) fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance(), other.luminance());
        (one.max(two) + 0.05) / (one.min(two) + 0.05)
    }

    pub(crate) fn is_reddish(self) -> bool {
        let [red, green, blue] = self.0;
        red > green * 1.5 && red > blue * 1.5
    }
}

#[test]
fn contrast_is_that_of_the_guidelines() {
    let [white, black, grey] =
        ["rgb(255, 255, 255)", "rgb(0, 0, 0)", "rgb(119, 119, 119)"].map(Colour::of);
    assert_eq!(white.contrast(black), 21.0);
    assert_eq!(white.contrast(white), 1.0);
    assert!((grey.contrast(white) - 4.48).abs() < 0.01, "{}", grey.contrast(white));
    assert_eq!(black.upon(0.0, white), white);
    assert_eq!(Colour::of("none").upon(1.0, grey), grey);
    assert_eq!(Colour::of("rgba(0, 0, 0, 0.5)").upon(0.5, white), Colour([191.25; 3], 1.0));
    assert!(Colour::of("rgb(207, 34, 46)").is_reddish() && !grey.is_reddish());
}
