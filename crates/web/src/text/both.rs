//! What makes texts in both languages of one table.

macro_rules! texts {
    ($($key:ident: $zh:literal, $en:literal;)*) => {
        /// The texts in one language.
        #[derive(Debug)]
        pub(crate) struct Texts {
            $(pub(crate) $key: &'static str,)*
        }

        static ZH: Texts = Texts { $($key: $zh,)* };
        static EN: Texts = Texts { $($key: $en,)* };

        impl Texts {
            /// The texts in a language.
            pub(crate) fn of(lang: $crate::locale::Lang) -> &'static Self {
                match lang {
                    $crate::locale::Lang::Zh => &ZH,
                    $crate::locale::Lang::En => &EN,
                }
            }
        }

        #[cfg(test)]
        const PAIRS: &[(&str, &str, &str)] = &[$((stringify!($key), $zh, $en),)*];
    };
}
